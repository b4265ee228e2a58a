"""What one transaction did, for those who observe the store: told after the commit, and never without one."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from store.database.counters import DUPLICATES, MERGES
from store.events import Event, Import, Recalculation

_UNTIMED = (Import, Recalculation)


@dataclass(slots=True)
class Committed:
    """What one transaction did. Times are microseconds since 1970 UTC.

    ``deliveries`` are the ids of the deliveries that it handled. ``brought`` is how many messages they had: each member
    of a batch counts as one, and so does each chunk of a recalculation. ``applied`` took effect on arrival,
    ``unparked`` when their pattern appeared, ``parked`` began to wait for it; a message may be parked and unparked in
    one transaction. ``quarantined`` has the reason codes of the messages that are new in the quarantine.
    ``recalculated`` has the seconds that each recalculation took that ended here. ``seconds`` is the time from the
    request for the transaction to its commit, on a monotonic clock.
    """

    now: int
    seconds: float = 0.0
    deliveries: list[str] = field(default_factory=list[str])
    brought: int = 0
    counts: Counter[str] = field(default_factory=Counter[str])
    applied: list[Event] = field(default_factory=list[Event])
    unparked: list[Event] = field(default_factory=list[Event])
    parked: list[Event] = field(default_factory=list[Event])
    quarantined: list[str] = field(default_factory=list[str])
    recalculated: list[float] = field(default_factory=list[float])

    @property
    def lags(self) -> list[float]:
        """Seconds from each event in ``applied`` to now; 0 for an event time in the future.

        Without imports and recalculations: their times are those of another store and of the schedule.
        """
        return [max(0, self.now - each.occurred_at) / 1e6 for each in self.applied if not isinstance(each, _UNTIMED)]

    @property
    def duplicates(self) -> int:
        """How many messages had been applied before."""
        return self.counts[DUPLICATES]

    @property
    def merges(self) -> int:
        """How many sightings merged into a pattern with another id."""
        return self.counts[MERGES]


Observer = Callable[[Committed], None]
"""Called right after each commit, by the thread that committed. It must not raise: the commit cannot be undone."""


def ignore(committed: Committed) -> None:
    """Observe nothing."""
