"""From an outbox to the broker: in batches, in the order of recording, and again until the broker has taken them."""

import logging
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Self

from kombu import Connection

from store.errors import BrokerUnavailable, MalformedMessage, OutboxUnavailable
from tasks import wire
from tasks.messages import BATCH_COUNT, BATCH_MEMBERS, ApplyBatch
from tasks.outbox import Entry, Outbox
from tasks.outboxes import OutboxSettings, abandoned
from tasks.publishing import PATIENT, broker_run, producer_app, publish_text

if TYPE_CHECKING:
    from pathlib import Path

# A broker that was killed may lack what it took in its last moments: at most two seconds, with Redis' own settings.
LOST_SECONDS = 5.0

_log = logging.getLogger("ostinato")
_BATCH_BYTES = wire.BATCH_BYTES - wire.BATCH_OVERHEAD


class Forwarder:
    """One connection to the broker, made at the first message and anew after each failure. For one thread."""

    def __init__(self, settings: OutboxSettings) -> None:
        self._app = producer_app(settings, PATIENT)
        # Loaded here, once, and not in a thread: a fork in the middle of an import would leave its lock held.
        self._app.connection_for_write().get_transport_cls()
        self._settings = settings
        self._unusable: set[Path] = set()
        self._connection: Connection | None = None
        self._most = BATCH_COUNT

    def forward(self, outbox: Outbox) -> int:
        """Send the outbox's next messages; how many those were. BrokerUnavailable, OutboxUnavailable.

        If the broker was started anew, those of its last seconds are sent again: it may have lost them.
        """
        with self._connected() as connection:
            run = broker_run(connection)
        again = outbox.meets(run, LOST_SECONDS)
        if again:
            _log.info("The broker was started anew: its last %d messages are sent again.", again)
        entries = outbox.first(self._batch)
        if entries:
            self._publish(entries)
            outbox.forwarded(entries[-1].seq, run)
        return len(entries)

    def forward_abandoned(self) -> int:
        """Send the next messages of each process that has ended; how many those were. BrokerUnavailable."""
        count = 0
        # Closed here, whatever is raised: whoever keeps the exception would keep the file from the others.
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
        """Send as many of the first messages as one batch may hold; how many those were.

        BrokerUnavailable, and then the broker may have taken them all the same.
        """
        batch = self._batch(entries)
        self._publish(batch)
        return len(batch)

    def tidy(self, outbox: Outbox) -> None:
        """Clear away what needs to be kept no longer, neither for `reconcile` nor for a broker that is killed."""
        outbox.tidy(max(self._settings.outbox_keep, LOST_SECONDS))

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.collect(socket_timeout=0)
            self._connection = None

    def _batch(self, entries: Iterable[Entry]) -> list[Entry]:
        """As many of the first messages as one batch may hold, and at least one."""
        batch: list[Entry] = []
        room = _BATCH_BYTES
        for entry in entries:
            room -= len(entry.text.encode())
            if batch and (room < 0 or len(batch) == self._most or entry.kind not in BATCH_MEMBERS):
                break
            batch.append(entry)
            if entry.kind not in BATCH_MEMBERS:
                break
        return batch

    def _publish(self, batch: Sequence[Entry]) -> None:
        kind, text, summary, task_id = _as_task(batch)
        try:
            with self._connected() as connection:
                producer = self._app.amqp.Producer(connection, auto_declare=False)
                publish_text(self._app, kind, text, summary=summary, task_id=task_id, producer=producer)
        except BrokerUnavailable:
            # A line that is slow or often cut lets a smaller one pass.
            self._most = max(1, len(batch) // 2)
            raise
        self._most = min(BATCH_COUNT, self._most * 2)

    @contextmanager
    def _connected(self) -> Generator[Connection]:
        if self._connection is None:
            # Not from the pool: that is the process's, and a fork would share what is in it.
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


def _as_task(batch: Sequence[Entry]) -> tuple[str, str, str, str | None]:
    """The kind, text, summary and id of the task that takes these messages along."""
    first = batch[0]
    if len(batch) == 1:
        return first.kind, first.text, _summary(first), first.id
    return ApplyBatch.KIND, wire.encode_batch([each.text for each in batch]), f"{len(batch)} messages", None


def _summary(entry: Entry) -> str:
    try:
        return wire.read_line(entry.text).summary()
    except MalformedMessage:  # one of another version's: the worker has the last word on it
        return entry.id
