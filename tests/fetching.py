"""A consumer on the worker's transport, without Celery."""

from typing import TYPE_CHECKING, Any, cast

from kombu import Connection, Consumer, Queue

from ostinato.errors import MalformedMessage
from ostinato.messages.routing import QUEUE
from tests.waiting import wait_until
from worker.broker.redis.transport import Ahead, Channel, SocketTransport, Transport

if TYPE_CHECKING:
    from collections.abc import Callable

    from kombu.transport import virtual


class Fetching:
    """A consumer of the queue by the transport, which takes one message at a time. A context manager."""

    def __init__(self, address: str, prefix: str = "", ahead: Ahead | None = None) -> None:
        self.address = address
        self.delivered: list[virtual.Message] = []
        self.refused: list[tuple[bytes, str]] = []
        self.stopping = False
        self.connection = Connection(
            address.replace("redis+socket://", "socket://", 1),
            transport=SocketTransport if address.startswith("redis+socket") else Transport,
            transport_options={
                "refuse": self._refuse,
                "worker_id": "me",
                "ahead": ahead,
                "socket_timeout": 5,
                "global_keyprefix": prefix,
            },
        )
        self.channel = cast("Any", self.connection.default_channel)
        assert isinstance(self.channel, Channel)
        consumer = Consumer(self.channel, [Queue(QUEUE)], accept=["json"], on_message=self._take)
        consumer.qos(prefetch_count=1)
        consumer.consume()
        self.then: Callable[[], object] = bool

    def _take(self, message: object) -> None:
        self.delivered.append(cast("virtual.Message", message))
        self.then()

    def _refuse(self, raw: bytes, error: MalformedMessage) -> bool:
        self.refused.append((raw, error.reason_code))
        return not self.stopping

    def fetch(self) -> None:
        """Wait until one more message is delivered or refused."""
        before = len(self.delivered) + len(self.refused)

        def fetched() -> bool:
            self.tick()
            return len(self.delivered) + len(self.refused) > before

        wait_until(fetched, why="a message is fetched")

    def ack(self, number: int) -> None:
        """Acknowledge a delivered message, and have the broker told."""
        self.delivered[number].ack()
        self.channel.settle()

    def tick(self) -> None:
        """Let the transport look once, as an event loop would."""
        try:
            self.connection.drain_events(timeout=0.05)
        except TimeoutError:
            return
