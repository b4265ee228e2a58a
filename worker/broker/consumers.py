"""The two kinds of broker, as the worker takes messages from them."""

from typing import cast

from ostinato.settings.broker_url import is_rabbit
from tasks.receiver import Receiver
from worker.broker.consumer import WorkerConsumer
from worker.broker.life import Life
from worker.broker.rabbitmq.consumer import RabbitConsumer
from worker.broker.redis.consumer import RedisConsumer
from worker.settings import Settings


def worker_consumer(receiver: Receiver, settings: Settings, life: Life) -> type[WorkerConsumer]:
    """A consumer class for the broker of these settings; what Celery must not see goes to the receiver."""
    kind: type[WorkerConsumer] = RabbitConsumer if is_rabbit(settings.broker_address) else RedisConsumer
    return cast(
        "type[WorkerConsumer]",
        type("Consumer", (kind,), {"receiver": receiver, "settings": settings, "life": life}),
    )
