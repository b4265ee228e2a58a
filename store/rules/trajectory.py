"""How a pattern's scores have moved: the rule of `scoring`, at moments of its past. Pure.

The score at a past moment is what a recalculation at that moment would have given if every message with an earlier
event time had arrived by then: event times decide, as everywhere.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Self

from store.rules.scoring import Evidence, Outcome, Scores, mean_grounding, newest, recent_success, score


class Totals(NamedTuple):
    """What a pattern's row says about all its time; times are microseconds since 1970 UTC."""

    occurrence_count: int
    successes: int
    failures: int
    first_seen: int
    newest_success: int | None
    variance: float


class Point(NamedTuple):
    """A pattern at a moment, in microseconds since 1970 UTC: its counts, and the scores that follow from them."""

    at: int
    sightings: int
    successes: int
    failures: int
    scores: Scores


class Trajectory(NamedTuple):
    """A pattern at some moments, the earliest first.

    ``undated`` is the number of its sightings and applications whose times are not known, because their messages were
    pruned or another store counted them; they count from the first sighting on.
    """

    points: tuple[Point, ...]
    undated: int


class _Applied(NamedTuple):
    """The applications up to a moment."""

    successes: int = 0
    failures: int = 0
    window: tuple[Outcome, ...] = ()
    newest_success: int | None = None

    def after(self, outcome: Outcome) -> Self:
        """The same with one more application, which is the latest."""
        return self._replace(
            successes=self.successes + outcome.success,
            failures=self.failures + (not outcome.success),
            window=newest(self.window, outcome),
            newest_success=outcome.occurred_at if outcome.success else self.newest_success,
        )

    def plus(self, successes: int, failures: int) -> Self:
        """The same with this many more whose times are not known."""
        return self._replace(successes=self.successes + successes, failures=self.failures + failures)


def moments(first: int, last: int, count: int) -> list[int]:
    """At most ``count`` moments, evenly from first to last; only the last if it is not later than the first.

    ``count`` is 2 or more.
    """
    if first >= last:
        return [last]
    steps = min(count - 1, last - first)
    return [first + (last - first) * step // steps for step in range(steps + 1)]


def trajectory(totals: Totals, at: Sequence[int], sightings: Sequence[int], outcomes: Iterable[Outcome]) -> Trajectory:
    """The pattern at these moments, which ascend.

    ``sightings`` has for each moment the number of known sightings that are not later, and at its end the number of
    all known ones; ``outcomes`` are all known applications, by event time, then message id. ValueError for impossible
    values.
    """
    *then, total = _applied(at, outcomes)
    # The row counts these too, but their times are not known.
    successes, failures = totals.successes - total.successes, totals.failures - total.failures
    unseen = totals.occurrence_count - sightings[-1]
    points = [
        _point(totals, moment, seen + unseen, applied.plus(successes, failures))
        for moment, seen, applied in zip(at, sightings, then, strict=False)
    ]
    return Trajectory(tuple(points), unseen + successes + failures)


def _applied(at: Sequence[int], outcomes: Iterable[Outcome]) -> Iterator[_Applied]:
    """The applications up to each moment, and all of them."""
    so_far, rest = _Applied(), iter(outcomes)
    following = next(rest, None)
    for moment in (*at, math.inf):
        while following is not None and following.occurred_at <= moment:
            so_far = so_far.after(following)
            following = next(rest, None)
        yield so_far


def _point(totals: Totals, at: int, sightings: int, applied: _Applied) -> Point:
    confirmed = (each for each in (totals.newest_success, applied.newest_success) if each is not None and each <= at)
    evidence = Evidence(
        occurrence_count=sightings,
        successes=applied.successes,
        failures=applied.failures,
        recent=recent_success(applied.window),
        grounding=mean_grounding(applied.window),
        last_confirmed=max((totals.first_seen, *confirmed)),
        variance=totals.variance,
    )
    return Point(at, sightings, applied.successes, applied.failures, score(evidence, at))
