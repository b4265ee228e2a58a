"""Asking a RabbitMQ server, by its own protocol only: no plugin, no user with rights to manage it."""

import socket
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from amqp.exceptions import NotFound
from kombu import Connection

from ostinato.errors import BrokerUnavailable
from ostinato.messages.routing import QUEUE, queue_of
from ostinato.publishing.broker_kind import not_taken
from ostinato.publishing.rabbitmq import Blocked, RabbitSending
from ostinato.settings.broker import BrokerSettings
from worker.broker.client import ANSWER_SECONDS, NO_ANSWER, PRESENCE_KEPT_SECONDS, BrokerState, Health, Part
from worker.broker.rabbitmq.messages import as_sent
from worker.broker.rabbitmq.queues import DEAD, left_behind

_SENDING = RabbitSending()
_BOUNDS = {"socket_timeout": ANSWER_SECONDS, "max_retries": 0}
# One message that expires; the server deletes the queue after an hour without use.
_PRESENCE = {"x-max-length": 1, "x-message-ttl": PRESENCE_KEPT_SECONDS * 1_000, "x-expires": 3_600_000}


class RabbitClient:
    """A `BrokerClient`. For each machine and part, presence is a message that expires, in a queue of its own.

    A message that a worker has taken is not counted: the server only tells how many wait.
    """

    def __init__(self, settings: BrokerSettings) -> None:
        found = _SENDING.configuration(settings, _BOUNDS)
        self._lanes = settings.lanes
        self._connection = Connection(
            found["broker_url"],
            ssl=found["broker_use_ssl"],
            connect_timeout=found["broker_connection_timeout"],
            transport_options=found["broker_transport_options"],
        )

    def state(self) -> BrokerState:
        """What the broker knows; dead letters count as waiting, and each consumer as a worker."""
        with self._answering():
            counts = [self._counts(queue_of(lane)) for lane in range(self._lanes)]
            dead, _ = self._counts(DEAD)
            left = left_behind(self._connection.connection, self._lanes)
        waiting = {**{lane: count for lane, (count, _) in enumerate(counts)}, **left}
        # Any worker takes the dead letters.
        waiting[0] += dead
        return BrokerState(waiting, {lane: workers for lane, (_, workers) in enumerate(counts)})

    def is_present(self, part: Part, machine: str) -> bool:
        """Whether the machine's presence message is there."""
        with self._answering():
            return self._counts(_presence(part, machine))[0] > 0

    def health(self) -> Health:
        """How the broker does: whether it takes a message, which is sent to no queue."""
        with self._answering():
            try:
                self._publish(f"{QUEUE}.nobody", {"body": b""}, mandatory=False)
            except Blocked as error:
                return Health(_SENDING.reason(error), [])
            exists = self._exists(QUEUE)
        return Health(None, [] if exists else ["It has no queue for messages yet: a worker makes it."])

    def enqueue(self, raw: bytes) -> None:
        """Publish what these bytes describe."""
        try:
            with self._dropping():
                self._publish(QUEUE, as_sent(raw), mandatory=True)
        except _SENDING.errors as error:
            raise not_taken(error, _SENDING) from error

    def say_present(self, part: Part, name: str) -> None:  # noqa: ARG002 - a machine has one message
        """Put the machine's presence message in its queue."""
        queue = _presence(part, socket.gethostname())
        with self._answering():
            with self._channel() as channel:
                channel.queue_declare(queue, durable=False, auto_delete=False, arguments=_PRESENCE)
            self._publish(queue, {"body": b""}, mandatory=True)

    def say_gone(self, part: Part, name: str) -> None:  # noqa: ARG002 - another worker of this machine puts it back
        """Remove the machine's presence message."""
        with self._answering(), self._channel() as channel:
            channel.queue_purge(_presence(part, socket.gethostname()))

    def close(self) -> None:
        """Close the connection."""
        self._connection.collect()

    @contextmanager
    def _channel(self) -> Generator[Any]:
        """A channel that is closed if all went well; after an error, `_dropping` closes the whole connection."""
        channel: Any = self._connection.channel()
        yield channel
        channel.close()

    def _exists(self, queue: str) -> bool:
        return self._declared(queue) is not None

    def _counts(self, queue: str) -> tuple[int, int]:
        """How many messages wait, and how many consume."""
        found = self._declared(queue)
        return (0, 0) if found is None else (found.message_count, found.consumer_count)

    def _declared(self, queue: str) -> Any:  # noqa: ANN401 - as untyped as py-amqp is
        with self._channel() as channel:
            try:
                return channel.queue_declare(queue, passive=True)
            except NotFound:
                return None

    def _publish(self, queue: str, sent: dict[str, Any], *, mandatory: bool) -> None:
        with self._channel() as channel:
            message = channel.prepare_message(**sent)
            channel.basic_publish(message, routing_key=queue, mandatory=mandatory, confirm_timeout=ANSWER_SECONDS)

    @contextmanager
    def _answering(self) -> Generator[None]:
        try:
            with self._dropping():
                yield
        except _SENDING.errors as error:
            raise BrokerUnavailable(NO_ANSWER.format(error)) from error

    @contextmanager
    def _dropping(self) -> Generator[None]:
        try:
            yield
        except _SENDING.errors:
            self.close()
            raise


def _presence(part: Part, machine: str) -> str:
    return f"{QUEUE}.{part}.{machine}"
