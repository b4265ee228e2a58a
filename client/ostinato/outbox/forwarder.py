"""From an outbox to the broker: in batches, in the order of recording, until the broker has taken them.

With several lanes, the next messages go out as one batch for each lane. They count as sent up to the first message that
the broker did not take.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing, contextmanager
from itertools import takewhile
from socket import getdefaulttimeout
from typing import TYPE_CHECKING, Self

from ostinato.errors import BrokerUnavailable, MalformedMessage, OutboxUnavailable
from ostinato.messages import wire
from ostinato.messages.models import BATCH_COUNT, BATCH_MEMBERS, ApplyBatch
from ostinato.messages.routing import lane_of, queue_of
from ostinato.outbox.file import Entry, Outbox
from ostinato.outbox.folder import abandoned
from ostinato.publishing.publisher import PATIENT, broker_run, producer_app, publish_text
from ostinato.settings.outbox import OutboxSettings

if TYPE_CHECKING:
    from pathlib import Path

    from kombu import Connection

# How often an open connection is asked whether the broker was restarted.
ASK_SECONDS = 1.0
# A broker that was killed may have lost what it took in its last two seconds, with Redis' own settings. What its next
# run took before it was asked is sent again too, so this must be longer than both together.
LOST_SECONDS = 5.0

_log = logging.getLogger("ostinato")
_BATCH_BYTES = wire.BATCH_BYTES - wire.BATCH_OVERHEAD


class Forwarder:
    """One connection to the broker, made at the first message and again after each failure. For one thread."""

    def __init__(self, settings: OutboxSettings) -> None:
        self._app = producer_app(settings, PATIENT)
        # Loaded here, and not in the thread: a fork in the middle of an import would leave its lock held in the child.
        self._app.connection_for_write().get_transport_cls()
        self._settings = settings
        self._unusable: set[Path] = set()
        self._connection: Connection | None = None
        self._run: str | None = None
        self._ask_due = 0.0
        self._most = BATCH_COUNT

    def forward(self, outbox: Outbox) -> int:
        """Send the outbox's next messages; returns how many. BrokerUnavailable, OutboxUnavailable.

        If the broker was restarted, the messages of its last seconds are sent again: it may have lost them.
        """
        run = self._broker_run()
        again = outbox.meets(run, LOST_SECONDS)
        if again:
            _log.info("The broker was restarted: its last %d messages are sent again.", again)
        batches = self._batches()
        entries = outbox.first(batches.take)
        if entries:
            unsent, error = self._publish_each(batches)
            sent = list(takewhile(lambda entry: entry not in unsent, entries))
            # If sending was slow, or a lane was refused, the broker may have been restarted in between, and it is not
            # known which run took what: then it is sent again, after what the run before may have lost.
            if sent and self._broker_run() == run:
                outbox.forwarded(sent[-1].seq, run)
            if error is not None:
                raise error
        return len(entries)

    def forward_abandoned(self) -> int:
        """Send the next messages of each process that has ended; returns how many. BrokerUnavailable."""
        count = 0
        # Closed here, whatever is raised: an exception that is kept would keep the generator, and that the file.
        with closing(abandoned(self._settings.outbox_folder)) as places:
            for place in places:
                try:
                    with closing(Outbox(place.path)) as outbox:
                        count += self.forward(outbox)
                        self.tidy(outbox)
                except OutboxUnavailable as error:
                    if place.path not in self._unusable:
                        _log.warning("%s", error)
                    self._unusable.add(place.path)
        return count

    def publish_some(self, entries: Sequence[Entry]) -> int:
        """Send as many of the first messages as one batch for each lane may hold; returns how many.

        BrokerUnavailable; the broker may have taken them all the same.
        """
        batches = self._batches()
        count = len(batches.take(entries))
        _, error = self._publish_each(batches)
        if error is not None:
            raise error
        return count

    def tidy(self, outbox: Outbox) -> None:
        """Delete what need not be kept, neither for `reconcile` nor for a broker that is killed."""
        outbox.tidy(max(self._settings.outbox_keep, LOST_SECONDS))

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            # While it closes, kombu makes this the timeout of every new socket of the process: so it stays what it is.
            self._connection.collect(socket_timeout=getdefaulttimeout())
            self._connection = None

    def _broker_run(self) -> str | None:
        """Which run of the broker takes the messages; asked at each new connection and once a second."""
        if self._connection is None or time.monotonic() >= self._ask_due:
            with self._connected() as connection:
                self._run = broker_run(connection)
            self._ask_due = time.monotonic() + ASK_SECONDS
        return self._run

    def _batches(self) -> "_Batches":
        return _Batches(self._settings.lanes, self._most)

    def _publish_each(self, batches: "_Batches") -> tuple[set[Entry], BrokerUnavailable | None]:
        """Send each lane's batch; returns what was not taken, and why. One refused lane does not hold up the others.

        A second refusal ends it: then it is the broker, and not the lane.
        """
        unsent = {entry for batch in batches.by_lane.values() for entry in batch}
        refusal: BrokerUnavailable | None = None
        for lane, batch in batches.by_lane.items():
            try:
                self._publish(queue_of(lane), batch)
            except BrokerUnavailable as error:
                if refusal is not None:
                    break
                refusal = error
            else:
                unsent.difference_update(batch)
        return unsent, refusal

    def _publish(self, queue: str, batch: Sequence[Entry]) -> None:
        kind, text, summary, task_id = _as_task(batch)
        try:
            with self._connected() as connection:
                producer = self._app.amqp.Producer(connection, auto_declare=False)
                publish_text(
                    self._app,
                    kind,
                    text,
                    queue=queue,
                    summary=summary,
                    task_id=task_id,
                    producer=producer,
                    message_ids=[entry.id for entry in batch],
                )
        except BrokerUnavailable:
            # A slow connection, or one that is often cut, may let a smaller batch pass.
            self._most = max(1, len(batch) // 2)
            raise
        self._most = min(BATCH_COUNT, self._most * 2)

    @contextmanager
    def _connected(self) -> "Generator[Connection]":
        if self._connection is None:
            # Not from the pool: that belongs to the process, and a fork would share its connections.
            self._connection = self._app.connection_for_write()
        try:
            yield self._connection
        except BrokerUnavailable:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Batches:
    """A batch of at most ``most`` messages for each lane, filled in the order of the messages."""

    def __init__(self, lanes: int, most: int) -> None:
        self.by_lane: dict[int, list[Entry]] = defaultdict(list)
        self._lanes = lanes
        self._most = most
        self._room: dict[int, int] = defaultdict(lambda: _BATCH_BYTES)

    def take(self, entries: Iterable[Entry]) -> list[Entry]:
        """The first messages, until one batch is full; at least one message."""
        taken: list[Entry] = []
        for entry in entries:
            alone = entry.kind not in BATCH_MEMBERS
            if (taken and alone) or not self._added(entry):
                break
            taken.append(entry)
            if alone:
                break
        return taken

    def _added(self, entry: Entry) -> bool:
        lane = lane_of(entry.text, self._lanes)
        room = self._room[lane] - len(entry.text.encode())
        if lane in self.by_lane and (room < 0 or len(self.by_lane[lane]) == self._most):
            return False
        self._room[lane] = room
        self.by_lane[lane].append(entry)
        return True


def _as_task(batch: Sequence[Entry]) -> tuple[str, str, str, str | None]:
    """The kind, text, summary and id of the task that carries these messages."""
    first = batch[0]
    if len(batch) == 1:
        return first.kind, first.text, _summary(first), first.id
    return ApplyBatch.KIND, wire.encode_batch([each.text for each in batch]), f"{len(batch)} messages", None


def _summary(entry: Entry) -> str:
    try:
        return wire.read_line(entry.text).summary()
    except MalformedMessage:  # one of another version: the worker decides about it
        return entry.id
