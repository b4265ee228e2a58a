"""The two kinds of broker, as the worker takes messages from them."""

from typing import cast

from tasks.broker_url import is_rabbit
from tasks.delivery import Receiver
from worker.consumer import WorkerConsumer
from worker.life import Life
from worker.rabbit.consumer import RabbitConsumer
from worker.redis_consumer import RedisConsumer
from worker.settings import Settings


def worker_consumer(receiver: Receiver, settings: Settings, life: Life) -> type[WorkerConsumer]:
    """A consumer class for the broker of these settings; what Celery must not see goes to the receiver."""
    kind: type[WorkerConsumer] = RabbitConsumer if is_rabbit(settings.broker_address) else RedisConsumer
    return cast(
        "type[WorkerConsumer]",
        type("Consumer", (kind,), {"receiver": receiver, "settings": settings, "life": life}),
    )
