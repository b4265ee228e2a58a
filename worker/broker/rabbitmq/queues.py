"""The queues of a RabbitMQ server; they are declared here only."""

from typing import Any

from amqp import Channel
from amqp.exceptions import NotFound

from ostinato.messages.routing import MOST_LANES, QUEUE, queue_of

DEAD = f"{QUEUE}.dead"
# A delivery counts when its consumer goes away without an answer: it was killed, or its connection was cut.
DELIVERY_LIMIT = 20


def declare(channel: Channel, queue: str) -> None:
    """Make a queue for messages, and that of the dead letters, if they do not exist.

    py-amqp's PreconditionFailed if one exists with other arguments, AccessRefused if this user may not make them.
    """
    channel.queue_declare(DEAD, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"})
    arguments = {
        "x-queue-type": "quorum",
        # One worker takes messages, the others stand by.
        "x-single-active-consumer": True,
        # A message that ends every worker that takes it makes way for the next one.
        "x-delivery-limit": DELIVERY_LIMIT,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": DEAD,
        # No message is lost on its way there; the server requires the next line for that.
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
    channel.queue_declare(queue, durable=True, auto_delete=False, arguments=arguments)


def left_behind(connection: Any, lanes: int) -> dict[int, int]:  # noqa: ANN401 - as untyped as py-amqp is
    """How many messages wait in each lane from ``lanes`` on, which perhaps no worker serves any more."""
    found: dict[int, int] = {}
    for lane in range(lanes, MOST_LANES):
        with connection.channel() as channel:
            try:
                found[lane] = channel.queue_declare(queue_of(lane), passive=True).message_count
            except NotFound:
                continue
    return {lane: waiting for lane, waiting in found.items() if waiting}
