"""Handing a text to Redis or RabbitMQ within bounded time, or raising a clear error."""
