"""What a message may say, its JSON, its reason codes, and the queue it belongs in."""
