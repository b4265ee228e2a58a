"""A message as a signature of Celery's, for the canvases of other applications."""

from typing import Any

from celery.canvas import Signature

from ostinato.messages import wire
from ostinato.messages.models import Message
from ostinato.messages.routing import lane_of, queue_of


def signature_of(message: Message, lanes: int) -> "Signature[None]":
    """An immutable signature of one JSON text, which any application on the same broker can send.

    Its options are plain JSON, because it travels in the messages of other tasks. MalformedMessage if the message is
    too large.
    """
    text = wire.encode(message)
    queue = queue_of(lane_of(text, lanes))
    options: dict[str, Any] = {
        "task_id": str(message.id),
        # Straight to the queue, whatever routes the application has. The queue is the worker's: only that declares it.
        "queue": queue,
        "exchange": "",
        "exchange_type": "direct",
        "routing_key": queue,
        "declare": [],
        # RabbitMQ returns a message for a queue that does not exist, instead of dropping it.
        "mandatory": True,
        "serializer": "json",
        "ignore_result": True,
        "argsrepr": message.summary(),
        "kwargsrepr": "",
        # Celery keeps an option of this name as it is. A group would set its own, which the worker refuses: that keeps
        # no results, so no group learns from it that a task is done.
        "group_id": None,
    }
    return Signature(message.KIND, (text,), options=options, immutable=True)
