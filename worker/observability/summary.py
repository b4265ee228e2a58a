"""One line in the log for what a worker did in the last minute, if it did anything."""

from dataclasses import dataclass, field
from threading import Event, Lock, Thread

import structlog

from store.database.counters import APPLIED
from store.writing.committed import Done

EVERY_SECONDS = 60.0

_log = structlog.get_logger()


@dataclass(slots=True)
class _Sum:
    """What some transactions did; lags in seconds."""

    transactions: int = 0
    applied: int = 0
    duplicates: int = 0
    merges: int = 0
    parked: int = 0
    quarantined: int = 0
    lags: int = 0
    lag: float = 0.0
    longest_lag: float = 0.0

    def add(self, done: Done) -> None:
        late = done.lags
        self.transactions += 1
        self.applied += done.counts[APPLIED]
        self.duplicates += done.duplicates
        self.merges += done.merges
        self.parked += len(done.parked)
        self.quarantined += len(done.quarantined)
        self.lags += len(late)
        self.lag += sum(late)
        self.longest_lag = max(self.longest_lag, *late, 0.0)

    def facts(self) -> dict[str, float]:
        facts: dict[str, float] = {
            name: getattr(self, name)
            for name in ("transactions", "applied", "duplicates", "merges", "parked", "quarantined")
        }
        if self.lags:
            facts |= {"lag_seconds": round(self.lag / self.lags, 3), "longest_lag_seconds": round(self.longest_lag, 3)}
        return facts


@dataclass(slots=True)
class Summary:
    """Adds up what committed transactions did; a thread says it every so many seconds, and at the end what is left.

    ``lag_seconds`` is the mean, of the messages that `Done.lags` is about.
    """

    every: float = EVERY_SECONDS
    _sum: _Sum = field(default_factory=_Sum, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)
    _ended: Event = field(default_factory=Event, init=False)
    _thread: Thread = field(init=False)

    def __post_init__(self) -> None:
        self._thread = Thread(target=self._run, daemon=True, name="summary")

    def add(self, done: Done) -> None:
        """Add what one transaction did."""
        with self._lock:
            self._sum.add(done)

    def start(self) -> None:
        """Begin to say it."""
        self._thread.start()

    def stop(self) -> None:
        """Say what is left, and end the thread."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(self.every):
            self._say()
        self._say()

    def _say(self) -> None:
        with self._lock:
            said, self._sum = self._sum, _Sum()
        if said.transactions:
            _log.info("messages_handled", **said.facts())
