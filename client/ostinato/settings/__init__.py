"""What a producer needs to know, read from the environment."""
