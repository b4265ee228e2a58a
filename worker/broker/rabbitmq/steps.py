"""Steps of Celery's consumer for a RabbitMQ server."""

from typing import Any

from celery import bootsteps
from typing_extensions import override

from ostinato.messages.routing import queue_of
from worker.broker.rabbitmq.queues import DEAD

_EVERY = 1.0
_AFTER_TASKS = ("celery.worker.consumer.tasks:Tasks",)


class Signs(bootsteps.StartStopStep):
    """Gives signs of life from Celery's loop while the worker is a consumer of its queue."""

    requires = _AFTER_TASKS

    @override
    def start(self, parent: Any) -> None:
        queue = queue_of(parent.settings.own_lane)

        def show() -> None:
            if parent.task_consumer is not None and parent.task_consumer.consuming_from(queue):
                parent.life.sign()

        # Celery's loop ends this timer with the connection.
        parent.timer.call_repeatedly(_EVERY, show)


class DeadLetters(bootsteps.StartStopStep):
    """A second consumer, on a channel of its own: the transport quarantines each dead letter and admits none."""

    requires = _AFTER_TASKS

    @override
    def start(self, parent: Any) -> None:
        channel = parent.connection.channel()
        channel.basic_qos(0, 1, False)  # noqa: FBT003 - py-amqp's own
        channel.basic_consume(DEAD, callback=_not_admitted)


def _not_admitted(message: object) -> None:
    """Do nothing: no dead letter gets this far."""
