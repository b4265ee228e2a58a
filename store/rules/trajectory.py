"""How a pattern's scores have moved: the rule of `scoring`, at moments of its past. Pure.

A score of then is what a recalculation would have given at that moment, had every message of an earlier event time
been there: event times decide, as everywhere.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Self

from store.rules.scoring import Evidence, Outcome, Scores, mean_grounding, newest, recent_success, score


class Whole(NamedTuple):
    """What a pattern's row says of all its time; times are microseconds since 1970 UTC."""

    occurrence_count: int
    successes: int
    failures: int
    first_seen: int
    newest_success: int | None
    variance: float


class Stand(NamedTuple):
    """How a pattern stood at a moment, in microseconds: its counts, and what the rule makes of them."""

    at: int
    sightings: int
    successes: int
    failures: int
    scores: Scores


class Course(NamedTuple):
    """The stands of a pattern, oldest first.

    ``undated`` of its sightings and applications have no time of their own, because their messages were pruned or
    another store counted them; they count from the first sighting on.
    """

    stands: tuple[Stand, ...]
    undated: int


class _Applied(NamedTuple):
    """The applications up to a moment."""

    successes: int = 0
    failures: int = 0
    window: tuple[Outcome, ...] = ()
    newest_success: int | None = None

    def after(self, outcome: Outcome) -> Self:
        """With one more, which is the latest."""
        return self._replace(
            successes=self.successes + outcome.success,
            failures=self.failures + (not outcome.success),
            window=newest(self.window, outcome),
            newest_success=outcome.occurred_at if outcome.success else self.newest_success,
        )

    def plus(self, successes: int, failures: int) -> Self:
        """With so many more that have no time."""
        return self._replace(successes=self.successes + successes, failures=self.failures + failures)


def moments(first: int, last: int, count: int) -> list[int]:
    """At most ``count`` moments, 2 or more, evenly from first to last; the last alone where it is not the later."""
    if first >= last:
        return [last]
    steps = min(count - 1, last - first)
    return [first + (last - first) * step // steps for step in range(steps + 1)]


def course(whole: Whole, at: Sequence[int], sightings: Sequence[int], outcomes: Iterable[Outcome]) -> Course:
    """The stands at these moments, which ascend.

    ``sightings`` says for each moment how many known ones are not later, and at its end how many are known at all;
    ``outcomes`` are all known applications, by event time, then message id. ValueError for impossible values.
    """
    *then, total = _applied(at, outcomes)
    # What the row counts and nobody can date.
    successes, failures = whole.successes - total.successes, whole.failures - total.failures
    unseen = whole.occurrence_count - sightings[-1]
    stands = [
        _stand(whole, moment, seen + unseen, applied.plus(successes, failures))
        for moment, seen, applied in zip(at, sightings, then, strict=False)
    ]
    return Course(tuple(stands), unseen + successes + failures)


def _applied(at: Sequence[int], outcomes: Iterable[Outcome]) -> Iterator[_Applied]:
    """What was applied up to each moment, and in all."""
    so_far, rest = _Applied(), iter(outcomes)
    following = next(rest, None)
    for moment in (*at, math.inf):
        while following is not None and following.occurred_at <= moment:
            so_far = so_far.after(following)
            following = next(rest, None)
        yield so_far


def _stand(whole: Whole, at: int, sightings: int, applied: _Applied) -> Stand:
    confirmed = (each for each in (whole.newest_success, applied.newest_success) if each is not None and each <= at)
    evidence = Evidence(
        occurrence_count=sightings,
        successes=applied.successes,
        failures=applied.failures,
        recent=recent_success(applied.window),
        grounding=mean_grounding(applied.window),
        last_confirmed=max((whole.first_seen, *confirmed)),
        variance=whole.variance,
    )
    return Stand(at, sightings, applied.successes, applied.failures, score(evidence, at))
