"""The worker's transport: at every moment a message is in a list of the broker, until its effect is committed.

Kombu's own transport for Redis first takes a message off the queue and then records it as taken; a worker that dies in
between loses it. Here one command moves the message from the queue to the list of what this worker has taken, and
another removes it from there when it is done:

    queue ──BLMOVE──> taken by this worker ──LREM──> gone
      ^───────────────────────┘  given back: by itself at its start and end, by another when its lease has run out

Small messages that wait behind the fetched one are fetched along with it and share its commit: all are applied in one
transaction, before their tasks run one by one.

A worker that was stopped or cut off for longer than its lease loses what it has taken, although it lives. Then two
workers apply the message, and the inbox counts the second as a duplicate.

A server that answers with a refusal (its memory or disk is full, its primary is gone) is asked again every second. A
server whose memory is full refuses even to move a message, but lets a script do it (`worker/broker/redis/taken.py`): so
the worker makes room.

Producers, beat and the dashboard use kombu's own transport: what is on the wire is the same.
"""

import contextlib
from collections.abc import Callable, Sequence
from queue import Empty
from time import monotonic
from typing import Any, cast
from uuid import uuid4

import structlog
from kombu.transport import redis, virtual
from redis import Redis
from redis.exceptions import OutOfMemoryError, RedisError, ResponseError
from typing_extensions import override

from ostinato.errors import MalformedMessage
from tasks.receiver import RawDelivery
from tasks.trouble import Trouble
from worker.broker.consumer import Refuse
from worker.broker.envelope import Json, delivered, known, opened
from worker.broker.redis.taken import Taken

SWEEP_SECONDS = 2.0
# At most this many messages, of this many bytes in all, are fetched along with one: applying them takes less than a
# tenth of a second.
ALONG_COUNT = 99
ALONG_BYTES = 128_000
_REST_SECONDS = 1.0
_CALM_SECONDS = 10.0

_log = structlog.get_logger()
Ahead = Callable[[Sequence[RawDelivery]], None]
"""Applies what was fetched together, as far as possible, before the tasks run."""


class TakenQoS(virtual.QoS):
    """The messages that this worker has, up to the prefetch limit."""

    # The channel gives all back at once. Kombu would write what it cannot give back to a file; the broker has it.
    restore_at_shutdown = False

    @override
    def ack(self, delivery_tag: str) -> None:
        super().ack(delivery_tag)
        cast("Channel", self.channel).done(delivery_tag)

    @override
    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        super().reject(delivery_tag, requeue=requeue)
        if not requeue:
            cast("Channel", self.channel).done(delivery_tag)


class Channel(redis.Channel):
    """Fetches from one queue. The annotated attributes come with the connection's transport options.

    With ``lanes``, it also brings to this queue the messages of the lanes from ``lanes`` on. Without ``ahead``, each
    message is fetched, and applied, by itself.
    """

    QoS = cast("type[redis.QoS]", TakenQoS)
    from_transport_options = (*redis.Channel.from_transport_options, "refuse", "worker_id", "alive", "ahead", "lanes")

    refuse: Refuse
    worker_id: str
    ahead: Ahead | None = None
    lanes: int = 0

    def alive(self) -> None:
        """Called when the broker has answered a fetch, if only by a refusal; a transport option replaces it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - kombu's own signature
        # The bytes of each delivered message, and of those that are done but not yet removed at the broker.
        self._raw: dict[str, bytes] = {}
        self._owed: list[bytes] = []
        self._taken: Taken | None = None
        self._sweep_due = 0.0
        # The socket on which an answer is due: kombu may ask twice after it has made a new connection.
        self._asked: object = None
        self._refused = Trouble("broker_refuses", "broker_accepts_again", calm=_CALM_SECONDS)
        self._rest_until = 0.0
        super().__init__(*args, **kwargs)

    @override
    def basic_consume(self, queue: str, *args: Any, **kwargs: Any) -> Any:
        self._taken = Taken(Redis(connection_pool=self.pool), self.worker_id, self.global_keyprefix, queue)
        return super().basic_consume(queue, *args, **kwargs)

    @property
    def _kombu(self) -> Any:  # noqa: ANN401 - as untyped as kombu is
        """This channel, for what kombu's type stubs leave out; `tests/architecture/test_kombu.py` lists it."""
        return self

    def done(self, delivery_tag: str) -> None:
        """Have a message removed from what this worker has taken, before the next fetch.

        Messages that were fetched together are removed together: Celery acknowledges them when all are delivered. A
        message that was given back meanwhile stays on the queue.
        """
        raw = self._raw.pop(delivery_tag, None)
        if raw is not None:
            self._owed.append(raw)

    def settle(self) -> None:
        """Remove at the broker what is done; after a failure, this is tried again before the next fetch."""
        try:
            self._settle()
        except RedisError as error:
            # The next fetch notices and logs that a broker is away.
            if isinstance(error, ResponseError):
                self._refused.begin(str(error))

    @override
    def close(self) -> None:
        closed = self.closed
        super().close()
        if self._taken is not None and not closed:
            # If the broker is away, it is put back at this worker's next sweep, or when the lease has run out.
            with contextlib.suppress(RedisError):
                self._settle()
                self._taken.give_all_back()
            self._taken.close()

    @override
    def _restore(self, message: virtual.Message, leftmost: bool = False) -> None:
        cast("Taken", self._taken).give_back(self._raw.pop(str(message.delivery_tag)))

    def _queue_bind(self, *binding: str) -> None:
        # The binding is not needed: every producer names the queue.
        with contextlib.suppress(ResponseError):
            cast("Any", super())._queue_bind(*binding)

    def _size(self, queue: str) -> int:
        # Kombu asks for the lists of all priorities in a transaction, which a server whose memory is full refuses.
        return int(self._kombu._create_client().llen(queue))

    def _brpop_start(self, timeout: float | None = None) -> None:
        if self._taken is None or monotonic() < self._rest_until:
            return
        self.settle()
        connection = self._kombu.client.connection
        if self._asked is None or self._asked is not connection._sock:
            try:
                self._sweep(self._taken)
            except ResponseError as error:
                self._rest(error)
                return
            self._brpop_sent_at = monotonic()
            connection.send_command(*self._taken.fetching(timeout or self.brpop_timeout))
            self._asked = connection._sock
        self._in_poll = connection

    def _brpop_read(self) -> bool:
        try:
            raw = self._fetched()
        finally:
            self._in_poll = self._asked = None
            self._kombu._flush_brpop_reauth()
        self.alive()
        # A message that arrives while the channel closes is given back with the others.
        if raw is None or self._kombu._closing:
            raise Empty
        self._deliver([raw, *self._along(raw)])
        return True

    def _fetched(self) -> bytes | None:
        client = self._kombu.client
        try:
            raw = client.parse_response(client.connection, "BLMOVE")
        except self._kombu.connection_errors:
            client.connection.disconnect()
            raise
        except ResponseError as error:
            return self._fetched_although(error)
        self._refused.end()
        return cast("bytes | None", raw)

    def _fetched_although(self, error: ResponseError) -> bytes | None:
        raw = self._taken.fetch() if self._taken is not None and isinstance(error, OutOfMemoryError) else None
        if raw is None:
            self._rest(error)
        else:
            self._refused.begin(str(error))
        return raw

    def _rest(self, error: ResponseError) -> None:
        self.alive()
        self._refused.begin(str(error))
        self._rest_until = monotonic() + _REST_SECONDS

    def _along(self, raw: bytes) -> list[bytes]:
        """Messages fetched along with this one; none if the broker refuses or is away, which the next fetch notices."""
        if self._taken is None or self.ahead is None or len(raw) > ALONG_BYTES:
            return []
        try:
            return self._taken.fetch_along(ALONG_COUNT, ALONG_BYTES - len(raw))
        except RedisError:
            return []

    def _deliver(self, fetched: Sequence[bytes]) -> None:
        envelopes = [(raw, envelope) for raw in fetched if (envelope := self._opened(raw)) is not None]
        if self.ahead is not None and len(envelopes) > 1:
            self.ahead([each for _, envelope in envelopes if (each := delivered(envelope)) is not None])
        for raw, envelope in envelopes:
            self._hand_over(raw, envelope)

    def _hand_over(self, raw: bytes, envelope: Json) -> None:
        # When the channel closes, or the consumer is cancelled, what is left is given back.
        if self.active_queues and not self._kombu._closing:
            # A tag of this worker's own: those of producers need not be unique.
            tag = envelope["properties"]["delivery_tag"] = uuid4().hex
            envelope["headers"] = known(envelope["headers"])
            self._raw[tag] = raw
            self.alive()
            (queue,) = self.active_queues
            self._kombu.connection._deliver(envelope, queue)

    def _opened(self, raw: bytes) -> Json | None:
        try:
            return opened(raw)
        except MalformedMessage as error:
            if self.refuse(raw, error):
                self._owed.append(raw)
            return None

    def _settle(self) -> None:
        if self._owed and self._taken is not None:
            self._taken.done(self._owed)
            self._owed.clear()

    def _sweep(self, taken: Taken) -> None:
        """Put back what dead workers, or a lost answer, have left behind: between fetches, every `SWEEP_SECONDS`."""
        if monotonic() < self._sweep_due or self._raw:
            return
        self._settle()
        taken.renew()
        recovered = taken.recover() + taken.give_all_back()
        taken.level()
        if self.lanes:
            recovered += taken.take_over(self.lanes)
        self._sweep_due = monotonic() + SWEEP_SECONDS
        if recovered:
            _log.info("messages_recovered", count=recovered)


class Transport(redis.Transport):
    """Kombu's transport for Redis with the channel of this module."""

    Channel = Channel


class SocketTransport(Transport):
    """The same for the URL of a unix socket, which only kombu's Redis channel can parse."""

    can_parse_url = True
