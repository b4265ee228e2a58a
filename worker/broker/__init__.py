"""The worker's side of the broker: taking messages, asking it questions, showing signs of life."""
