"""The two kinds of broker. Only the kind in use is imported: each brings libraries of its own."""

from typing import TYPE_CHECKING

from ostinato.settings.broker import BrokerSettings
from ostinato.settings.broker_url import is_rabbit
from worker.broker.client import BrokerClient

if TYPE_CHECKING:
    from worker.broker.consumer import WorkerConsumer


def broker_client(settings: BrokerSettings) -> BrokerClient:
    """A client of the broker of these settings; it connects at the first question."""
    if is_rabbit(settings.broker_address):
        from worker.broker.rabbitmq.client import RabbitClient  # noqa: PLC0415 - see above

        return RabbitClient(settings)
    from worker.broker.redis.client import RedisClient  # noqa: PLC0415 - see above

    return RedisClient(settings)


def consumer_class(settings: BrokerSettings) -> "type[WorkerConsumer]":
    """Celery's consumer for the broker of these settings."""
    if is_rabbit(settings.broker_address):
        from worker.broker.rabbitmq.consumer import RabbitConsumer  # noqa: PLC0415 - see above

        return RabbitConsumer
    from worker.broker.redis.consumer import RedisConsumer  # noqa: PLC0415 - see above

    return RedisConsumer
