"""The two kinds of broker, as they are asked directly."""

from ostinato.settings.broker import BrokerSettings
from ostinato.settings.broker_url import is_rabbit
from worker.broker.client import BrokerClient
from worker.broker.rabbitmq.client import RabbitClient
from worker.broker.redis.client import RedisClient


def broker_client(settings: BrokerSettings) -> BrokerClient:
    """A connection to the broker of these settings; it connects at the first question."""
    return RabbitClient(settings) if is_rabbit(settings.broker_address) else RedisClient(settings)
