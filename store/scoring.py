"""How effective a pattern is, and how much attention it deserves: the ``seed`` rule (spec section 6). Pure.

Times are integers: microseconds since 1970-01-01T00:00:00Z. The clock is an argument.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

DAY = 86_400_000_000
WINDOW = 5
FEWEST_APPLICATIONS = 3
UNPROVEN_EFFECTIVENESS = 0.55
INITIAL_EFFECTIVENESS = 0.5
INITIAL_PRIORITY = 0.5


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the scores of one pattern are computed from.

    ``recent`` is the share of successes in the window, 0 to 1; ``grounding`` the mean of the window's grounding
    confidences, 0 to 1, 1.0 if there are none; ``last_confirmed`` in microseconds; ``variance`` 0 to 1.
    """

    occurrence_count: int
    successes: int
    failures: int
    recent: float
    grounding: float
    last_confirmed: int
    variance: float


@dataclass(frozen=True, slots=True)
class Scores:
    """Both scores, each 0 to 1."""

    effectiveness: float
    priority: float


class Outcome(NamedTuple):
    """One application as the window sees it."""

    occurred_at: int
    message_id: str
    success: bool
    grounding: float | None


def newest(window: tuple[Outcome, ...], outcome: Outcome) -> tuple[Outcome, ...]:
    """The window, newest first, after one more outcome: the 5 newest by (event time, message id)."""
    by_time = sorted((*window, outcome), key=lambda each: (each.occurred_at, each.message_id), reverse=True)
    return tuple(by_time[:WINDOW])


def recent_success(window: tuple[Outcome, ...]) -> float:
    """The share of successes in a window; 0.0 for an empty one."""
    return sum(each.success for each in window) / len(window) if window else 0.0


def mean_grounding(window: tuple[Outcome, ...]) -> float:
    """The mean of the window's grounding confidences, 1.0 if none is known."""
    known = [each.grounding for each in window if each.grounding is not None]
    return math.fsum(known) / len(known) if known else 1.0


def score(evidence: Evidence, now: int) -> Scores:
    """Both scores at ``now``.

    Raises ValueError for evidence that no sequence of messages can produce (a negative count, a share above 1, a
    number that is not finite).
    """
    _check(evidence)
    effectiveness = _effectiveness(evidence, now)
    frequency = max(0.6, min(1.0, math.log10(evidence.occurrence_count + 1) / 2))
    priority = effectiveness * frequency * (1 - evidence.variance)
    return Scores(effectiveness, max(0.0, min(1.0, priority)))


def _effectiveness(evidence: Evidence, now: int) -> float:
    applications = evidence.successes + evidence.failures
    if applications < FEWEST_APPLICATIONS:
        return UNPROVEN_EFFECTIVENESS
    historical = (evidence.successes + 0.5) / (applications + 1)
    days = max(0, (now - evidence.last_confirmed) // DAY)
    decay = math.pow(0.9, days / 30)
    return (0.7 * evidence.recent + 0.3 * historical) * decay * (0.7 + 0.3 * evidence.grounding)


def _check(evidence: Evidence) -> None:
    counts = (evidence.occurrence_count, evidence.successes, evidence.failures)
    shares = (evidence.recent, evidence.grounding, evidence.variance)
    if min(counts) < 0 or not all(0 <= share <= 1 for share in shares):
        raise ValueError(f"impossible values: {evidence}")
