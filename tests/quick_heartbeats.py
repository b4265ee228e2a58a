"""The product's application, for `celery -A tests.quick_heartbeats`: RabbitMQ gives its connection up after seconds.

For a store that is locked it waits less at a time than that, as the product does.
"""

from celery import Celery

from store.database import sqlite
from worker.broker.rabbitmq import consumer

SECONDS = 2


def __getattr__(name: str) -> Celery:
    # Only Celery's command makes it: a test that wants to know the seconds needs no application.
    if name != "app":
        raise AttributeError(name)
    consumer.HEARTBEAT = SECONDS
    sqlite.BUSY_SECONDS = SECONDS / 10
    from worker.celery import app  # noqa: PLC0415 - it looks at its settings

    return app
