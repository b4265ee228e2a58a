"""The queues of a RabbitMQ server, declared here and nowhere else."""

from typing import Any

from amqp import Channel
from amqp.exceptions import NotFound

from ostinato.messages.routing import MOST_LANES, QUEUE, queue_of

DEAD = f"{QUEUE}.dead"
# Each time that its consumer goes away without an answer, by a kill or a cut connection, counts as one.
DELIVERY_LIMIT = 20


def declare(channel: Channel, queue: str) -> None:
    """Make a queue for messages, and that of the dead letters, where they are not there.

    py-amqp's PreconditionFailed if one is there and is another kind, AccessRefused if this user may not make them.
    """
    channel.queue_declare(DEAD, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"})
    arguments = {
        "x-queue-type": "quorum",
        # One worker takes messages, others stand by.
        "x-single-active-consumer": True,
        # A message that ends every worker that takes it makes way for the next one.
        "x-delivery-limit": DELIVERY_LIMIT,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": DEAD,
        # None is lost on its way there; the server wants the next line for that.
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
    channel.queue_declare(queue, durable=True, auto_delete=False, arguments=arguments)


def left_behind(connection: Any, lanes: int) -> dict[int, int]:  # noqa: ANN401 - as untyped as py-amqp is
    """How many messages wait in the lanes beyond so many, which nobody may be serving any more."""
    found: dict[int, int] = {}
    for lane in range(lanes, MOST_LANES):
        with connection.channel() as channel:
            try:
                found[lane] = channel.queue_declare(queue_of(lane), passive=True).message_count
            except NotFound:
                continue
    return {lane: waiting for lane, waiting in found.items() if waiting}
