"""The two kinds of broker, as they are asked directly."""

from tasks.broker import BrokerSettings
from tasks.broker_url import is_rabbit
from worker.broker_client import BrokerClient
from worker.rabbit.client import RabbitClient
from worker.redis_client import RedisClient


def broker_client(settings: BrokerSettings) -> BrokerClient:
    """A connection to the broker of these settings; it connects at the first question."""
    return RabbitClient(settings) if is_rabbit(settings.broker_address) else RedisClient(settings)
