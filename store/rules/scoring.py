"""How effective a pattern is, and how much attention it deserves: the ``seed`` rule (spec section 6). Pure.

Written once for any numbers that add, multiply and compare: Python's, one row at a time (`score`), and a database's
columns, many rows at a time (`scoring_sql`). Times are integers: microseconds since 1970-01-01T00:00:00Z. The clock is
an argument.
"""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias

DAY = 86_400_000_000
WINDOW = 5
FEWEST_APPLICATIONS = 3
UNPROVEN_EFFECTIVENESS = 0.55
INITIAL_EFFECTIVENESS = 0.5
INITIAL_PRIORITY = 0.5
# No message can produce larger counts, or times outside the calendar's years 1 to 9999.
LARGEST_COUNT = 10**15
EARLIEST, LATEST = -62_135_596_800_000_000, 253_402_300_799_999_999
# After 411 years the decay stays at 1e-229: some databases raise an error at a number that is too small for a double.
LONGEST_IDLE_DAYS = 150_000

Number: TypeAlias = Any
"""A number, or a database's expression for one."""
Truth: TypeAlias = Any
"""A bool, or a database's expression for one."""


class Algebra(Protocol):
    """What the rule needs beyond the four operations and comparison."""

    def larger(self, one: Number, other: Number, /) -> Number:
        """The larger of two numbers."""
        ...

    def smaller(self, one: Number, other: Number, /) -> Number:
        """The smaller of two numbers."""
        ...

    def log10(self, value: Number, /) -> Number:
        """The logarithm to the base 10."""
        ...

    def power(self, base: float, exponent: Number, /) -> Number:
        """``base`` to the power of ``exponent``."""
        ...

    def either(self, condition: Truth, then: Number, otherwise: Number) -> Number:
        """``then`` where the condition holds, else ``otherwise``."""
        ...


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the scores of one pattern, or of a set of them, are computed from.

    ``recent`` is the share of successes in the window, 0 to 1; ``grounding`` the mean of the window's grounding
    confidences, 0 to 1, 1.0 if there are none; ``last_confirmed`` in microseconds; ``variance`` 0 to 1.
    """

    occurrence_count: Number
    successes: Number
    failures: Number
    recent: Number
    grounding: Number
    last_confirmed: Number
    variance: Number


@dataclass(frozen=True, slots=True)
class Scores:
    """Both scores, each 0 to 1."""

    effectiveness: Number
    priority: Number


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

    Raises ValueError for evidence that no sequence of messages can produce: a negative or huge count, a share above 1,
    a number that is not finite, a time outside the calendar.
    """
    counts = (evidence.occurrence_count, evidence.successes, evidence.failures)
    shares = (evidence.recent, evidence.grounding, evidence.variance)
    possible = all(0 <= count <= LARGEST_COUNT for count in counts) and all(0 <= share <= 1 for share in shares)
    if not (possible and EARLIEST <= evidence.last_confirmed <= LATEST):
        raise ValueError(f"impossible values: {evidence}")
    return seed(evidence, now, _PYTHON)


def seed(evidence: Evidence, now: int, algebra: Algebra) -> Scores:
    """The rule itself, for possible evidence."""
    effectiveness = _effectiveness(evidence, now, algebra)
    frequency = algebra.log10(evidence.occurrence_count + 1) / 2.0
    attention = algebra.larger(0.6, algebra.smaller(1.0, frequency))
    priority = effectiveness * attention * (1.0 - evidence.variance)
    return Scores(effectiveness, algebra.larger(0.0, algebra.smaller(1.0, priority)))


def _effectiveness(evidence: Evidence, now: int, algebra: Algebra) -> Number:
    applications = evidence.successes + evidence.failures
    historical = (evidence.successes + 0.5) / (applications + 1.0)
    days = algebra.larger(0, algebra.smaller(LONGEST_IDLE_DAYS, (now - evidence.last_confirmed) // DAY))
    decay = algebra.power(0.9, days / 30.0)
    # 0.7 + 0.3 · grounding; written like this, no product with a tiny grounding is too small for a double.
    grounded = 1.0 - 0.3 * (1.0 - evidence.grounding)
    proven = (0.7 * evidence.recent + 0.3 * historical) * decay * grounded
    return algebra.either(applications < FEWEST_APPLICATIONS, UNPROVEN_EFFECTIVENESS, proven)


class _Python:
    larger = staticmethod(max)
    smaller = staticmethod(min)
    log10 = staticmethod(math.log10)
    power = staticmethod(math.pow)

    def either(self, condition: Truth, then: Number, otherwise: Number) -> Number:
        return then if condition else otherwise


_PYTHON = _Python()
