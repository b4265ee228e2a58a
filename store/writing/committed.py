"""What one transaction did, for whoever counts it: told after the commit, and never if there was none."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from store.database.counters import DUPLICATES, MERGES
from store.events import Event, Import, Recalculation

_UNTIMED = (Import, Recalculation)


@dataclass(slots=True)
class Done:
    """What one transaction did. Times are microseconds since 1970 UTC.

    ``brought`` is how many messages it was given: each member of a batch, and each chunk of a recalculation, is one.
    ``applied`` took effect as they came, ``unparked`` when their pattern did, ``parked`` began to wait for it; one may
    be parked and unparked in the same transaction. ``quarantined`` has the reason codes of what was not in the
    quarantine before. ``recalculated`` is for how many seconds each recalculation took that came to its end.
    ``seconds`` is the time from asking for the transaction to its commit, on a monotonic clock.
    """

    now: int
    seconds: float = 0.0
    brought: int = 0
    counts: Counter[str] = field(default_factory=Counter[str])
    applied: list[Event] = field(default_factory=list[Event])
    unparked: list[Event] = field(default_factory=list[Event])
    parked: list[Event] = field(default_factory=list[Event])
    quarantined: list[str] = field(default_factory=list[str])
    recalculated: list[float] = field(default_factory=list[float])

    @property
    def lags(self) -> list[float]:
        """Seconds from each event to now, 0 if it is said to come later, of what was applied as it came.

        Without imports and recalculations: the times of those are another store's and the schedule's.
        """
        return [max(0, self.now - each.occurred_at) / 1e6 for each in self.applied if not isinstance(each, _UNTIMED)]

    @property
    def duplicates(self) -> int:
        """How many messages had been applied before."""
        return self.counts[DUPLICATES]

    @property
    def merges(self) -> int:
        """How many patterns turned out to be known under another id."""
        return self.counts[MERGES]


Watch = Callable[[Done], None]
"""Is told of each transaction right after its commit, by the thread that committed."""


def nobody(done: Done) -> None:
    """Watch nothing."""
