"""One look at the store, the broker and the outboxes of this machine; each may be unavailable."""

import time
from dataclasses import dataclass
from datetime import datetime

from ostinato.errors import BrokerUnavailable, OstinatoError
from ostinato.outbox.inspection import waiting
from ostinato.times import from_micros
from store.reading.ranking import Filters
from store.reading.reader import Reader
from store.reading.vitals import Glance, glance
from worker.beat.slots import SlotSchedule
from worker.broker.client import BrokerState
from worker.broker.kinds import broker_client
from worker.clock import now
from worker.settings import Settings

REFUSALS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What was seen at a moment.

    ``glance`` has the store's numbers of the moment ``seen``. While ``store_trouble`` says that the store does not
    answer, they are those of an earlier look. ``rate`` is the number of messages applied per second since the last
    look, None if unknown. ``next`` is when the next recalculation is due, by the settings of this process.
    """

    at: datetime
    glance: Glance | None
    seen: datetime | None
    store_trouble: str
    broker: BrokerState | None
    broker_trouble: str
    outbox: int
    rate: float | None
    next: datetime


class Looking:
    """Looks repeatedly, on connections that it keeps. For one thread at a time."""

    def __init__(self, settings: Settings, filters: Filters, limit: int) -> None:
        self._settings, self._filters, self._limit = settings, filters, limit
        self._slots = SlotSchedule(settings.recalculate_every, settings.recalculate_offset)
        self._store: Reader | None = None
        self._broker = broker_client(settings)
        self._glance: Glance | None = None
        self._seen: datetime | None = None
        self._counted: tuple[float, int] | None = None

    def look(self) -> Sight:
        """Look now. It takes some seconds if broker or store hang, and fails for neither."""
        at, rate = from_micros(now()), None
        store_trouble = broker_trouble = ""
        try:
            rate = self._look_at_store(at)
        except OstinatoError as error:
            store_trouble = str(error)
            # The store may be another one when it is back.
            self._close_store()
        broker = None
        try:
            broker = self._broker.state()
        except BrokerUnavailable as error:
            broker_trouble = str(error)
        return Sight(
            at=at,
            glance=self._glance,
            seen=self._seen,
            store_trouble=store_trouble,
            broker=broker,
            broker_trouble=broker_trouble,
            outbox=waiting(self._settings.outbox_folder),
            rate=rate,
            next=self._slots.slot(at) + self._slots.every,
        )

    def close(self) -> None:
        """Close the connections."""
        self._close_store()
        self._broker.close()

    def _look_at_store(self, at: datetime) -> float | None:
        if self._store is None:
            self._store = Reader(self._settings.store_address)
        with self._store.reading() as connection:
            found = glance(connection, self._filters, limit=self._limit, refusals=REFUSALS)
        before, counted = self._counted, (time.monotonic(), found.applied)
        self._glance, self._seen, self._counted = found, at, counted
        if before is None or counted[1] < before[1]:
            return None
        return (counted[1] - before[1]) / (counted[0] - before[0])

    def _close_store(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None
