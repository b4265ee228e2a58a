"""The facts of a report, read from the store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ostinato.times import from_micros
from store.reading.moment import Moment
from store.reading.overview import Outcomes, Overview, Refused, Waiting
from store.reading.records import Pattern, Stats
from store.reading.trajectories import Past
from store.rules.trajectory import Course

MOST_WAITING = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """A store at one moment.

    ``courses`` has the trajectory of each pattern of the ranking whose scores can be computed.
    """

    made: datetime
    stats: Stats
    ranking: Sequence[Pattern]
    courses: Mapping[str, Course]
    shares: Sequence[int]
    outcomes: Sequence[Outcomes]
    waiting: Sequence[Waiting]
    refused: Sequence[Refused]


class _Whole(Moment, Past, Overview):
    """A store at one moment, with all that a report asks."""


def facts(address: str, *, limit: int, now: int) -> Facts:
    """The facts of the store at a URL, with the first ``limit`` patterns, at ``now`` in microseconds.

    StoreUnavailable, StoreOutdated.
    """
    with _Whole(address) as store:
        ranking = store.patterns(limit=limit)
        return Facts(
            made=from_micros(now),
            stats=store.stats(),
            ranking=ranking,
            courses=store.courses([each.id for each in ranking], upto=now),
            shares=store.priorities(),
            outcomes=store.outcomes(upto=now),
            waiting=store.waiting(MOST_WAITING),
            refused=store.refused(),
        )
