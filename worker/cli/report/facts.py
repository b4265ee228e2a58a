"""The facts of a report, read from the store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ostinato.times import from_micros
from store.reading import overview
from store.reading.ranking import Filters, ranking
from store.reading.reader import Reader
from store.reading.records import Pattern, Stats
from store.reading.trajectories import trajectories
from store.rules.trajectory import Trajectory

MOST_WAITING = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """A store at one moment.

    ``trajectories`` has the trajectory of each pattern of the ranking whose scores can be computed.
    """

    made: datetime
    stats: Stats
    ranking: Sequence[Pattern]
    trajectories: Mapping[str, Trajectory]
    shares: Sequence[int]
    outcomes: Sequence[overview.Span]
    waiting: Sequence[overview.Waiting]
    refused: Sequence[overview.Refused]


def facts(address: str, *, limit: int, now: int) -> Facts:
    """The facts of the store at a URL, with the first ``limit`` patterns, at ``now`` in microseconds.

    StoreUnavailable, StoreOutdated.
    """
    with Reader(address) as reader, reader.reading() as connection:
        first = ranking(connection, Filters(), limit=limit)
        return Facts(
            made=from_micros(now),
            stats=overview.stats(connection),
            ranking=first,
            trajectories=trajectories(connection, [each.id for each in first], upto=now),
            shares=overview.priorities(connection),
            outcomes=overview.outcomes(connection, upto=now),
            waiting=overview.waiting(connection, MOST_WAITING),
            refused=overview.refused(connection),
        )
