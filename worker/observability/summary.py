"""One line in the log for what a worker did in the last minute, if it did anything."""

from dataclasses import dataclass
from threading import Lock

import structlog

from store.database.counters import APPLIED
from store.writing.committed import Committed
from worker.repeating import Repeating

EVERY_SECONDS = 60.0

_log = structlog.get_logger()


@dataclass(slots=True)
class _Sum:
    """What some transactions did; lags are seconds."""

    transactions: int = 0
    applied: int = 0
    duplicates: int = 0
    merges: int = 0
    parked: int = 0
    quarantined: int = 0
    lags: int = 0
    lag: float = 0.0
    longest_lag: float = 0.0

    def add(self, committed: Committed) -> None:
        lags = committed.lags
        self.transactions += 1
        self.applied += committed.counts[APPLIED]
        self.duplicates += committed.duplicates
        self.merges += committed.merges
        self.parked += len(committed.parked)
        self.quarantined += len(committed.quarantined)
        self.lags += len(lags)
        self.lag += sum(lags)
        self.longest_lag = max(self.longest_lag, *lags, 0.0)

    def facts(self) -> dict[str, float]:
        facts: dict[str, float] = {
            name: getattr(self, name)
            for name in ("transactions", "applied", "duplicates", "merges", "parked", "quarantined")
        }
        if self.lags:
            facts |= {"lag_seconds": round(self.lag / self.lags, 3), "longest_lag_seconds": round(self.longest_lag, 3)}
        return facts


class Summary:
    """Adds up what committed transactions did; logs it every ``every`` seconds, and at the end what is left.

    ``lag_seconds`` is the mean of `Committed.lags`.
    """

    def __init__(self, every: float = EVERY_SECONDS) -> None:
        self._sum = _Sum()
        self._lock = Lock()
        self._repeating = Repeating(every, self._log, "summary")

    def add(self, committed: Committed) -> None:
        """Add what one transaction did."""
        with self._lock:
            self._sum.add(committed)

    def start(self) -> None:
        """Begin to log."""
        self._repeating.start()

    def stop(self) -> None:
        """End, and log what is left."""
        self._repeating.stop()
        self._log()

    def _log(self) -> None:
        with self._lock:
            found, self._sum = self._sum, _Sum()
        if found.transactions:
            _log.info("messages_handled", **found.facts())
