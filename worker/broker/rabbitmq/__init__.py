"""RabbitMQ: taking messages from it, and asking it."""
