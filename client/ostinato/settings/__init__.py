"""What a producer has to know, read from the environment."""
