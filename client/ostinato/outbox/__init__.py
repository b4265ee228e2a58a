"""Messages on the producer's own disk until the broker has them."""
