"""How effective a pattern is, and how much attention it deserves (spec section 6)."""

from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.rules.scoring import (
    DAY,
    EARLIEST,
    INITIAL_EFFECTIVENESS,
    INITIAL_PRIORITY,
    LARGEST_COUNT,
    LATEST,
    Evidence,
    Outcome,
    mean_grounding,
    newest,
    recent_success,
    score,
)
from tests.samples.golden_scores import EXACT, GOLDEN, Golden

NOW = 1_780_000_000_000_000
PROVEN = Evidence(1, 5, 0, recent=1.0, grounding=1.0, last_confirmed=NOW, variance=0.0)


def outcome(second: int, success: bool = True, grounding: float | None = None, message_id: str = "") -> Outcome:  # noqa: FBT001, FBT002 - reads as a row
    """An application at a second."""
    return Outcome(second * 1_000_000, message_id or f"{second:036}", success, grounding)


def window_of(*outcomes: Outcome) -> tuple[Outcome, ...]:
    """The window after these applications."""
    window: tuple[Outcome, ...] = ()
    for each in outcomes:
        window = newest(window, each)
    return window


@pytest.mark.parametrize("golden", GOLDEN, ids=str)
def test_golden_scores(golden: Golden) -> None:
    """Both scores of each row of the specification's table, to 1e-12 (spec 6)."""
    window = window_of(*(outcome(at, each == "S", golden.grounding) for at, each in enumerate(golden.outcomes)))
    successes = golden.outcomes.count("S")
    evidence = Evidence(
        golden.sightings,
        successes,
        len(golden.outcomes) - successes,
        recent_success(window),
        mean_grounding(window),
        NOW - golden.idle * DAY,
        0.0,
    )

    scores = score(evidence, NOW)
    assert pytest.approx(golden.effectiveness, rel=0, abs=EXACT) == scores.effectiveness
    assert pytest.approx(golden.priority, rel=0, abs=EXACT) == scores.priority


def test_a_new_pattern_has_both_scores_in_the_middle() -> None:
    """Before anything is computed, both are 0.5 (spec 6, first row)."""
    assert (0.5, 0.5) == (INITIAL_EFFECTIVENESS, INITIAL_PRIORITY)


@pytest.mark.parametrize(("successes", "failures"), [(0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2)])
def test_fewer_than_three_applications_prove_nothing(successes: int, failures: int) -> None:
    """The effectiveness is then 0.55 exactly, without decay and grounding (spec 6)."""
    evidence = Evidence(1, successes, failures, 0.3, 0.0, NOW - 1000 * DAY, 0.0)

    assert 0.55 == score(evidence, NOW).effectiveness


def test_the_window_holds_the_five_newest_in_any_order_of_arrival() -> None:
    """Newest by event time, then message id, whatever the order of arrival (spec 6, window)."""
    outcomes = [outcome(second) for second in (1, 2, 3, 4)]
    outcomes += [outcome(5, message_id=letter) for letter in "abc"]
    expected = ["c", "b", "a", outcomes[3].message_id, outcomes[2].message_id]

    windows = {window_of(*order) for order in permutations(outcomes)}
    assert 1 == len(windows)
    assert expected == [each.message_id for each in windows.pop()]


def test_recent_is_the_share_of_successes_in_the_window() -> None:
    """An outcome that has left the window no longer counts (spec 6, recent)."""
    window = window_of(*(outcome(at, success) for at, success in enumerate([True] * 9 + [False, False])))

    assert 0.6 == recent_success(window)
    assert 0.0 == recent_success(())


def test_grounding_is_the_mean_of_what_the_window_knows() -> None:
    """Applications without a grounding confidence do not count; 1.0 if there is none (spec 6, grounding)."""
    old = outcome(0, grounding=0.0)
    known = [outcome(1, grounding=0.25), outcome(2), outcome(3, grounding=0.5), outcome(4), outcome(5)]

    assert 0.375 == mean_grounding(window_of(old, *known))
    assert 1.0 == mean_grounding(window_of(outcome(1), outcome(2)))
    assert 1.0 == mean_grounding(())
    assert 0.0 == mean_grounding(window_of(old))


@given(st.permutations([0.1, 0.2, 0.3, 0.7, 0.9]))
def test_the_mean_does_not_depend_on_the_order(confidences: list[float]) -> None:
    """The same five confidences give the same mean, to the last bit (spec 7, order-free)."""
    expected = mean_grounding(tuple(outcome(0, grounding=each) for each in sorted(confidences)))

    assert expected == mean_grounding(tuple(outcome(0, grounding=each) for each in confidences))


@pytest.mark.parametrize(
    ("age", "days"), [(0, 0), (DAY - 1, 0), (DAY, 1), (2 * DAY - 1, 1), (30 * DAY, 30), (-1, 0), (-400 * DAY, 0)]
)
def test_days_are_whole_and_never_negative(age: int, days: int) -> None:
    """Days since the last confirmation are rounded down; one from the future is today's (spec 6, days)."""
    evidence = replace(PROVEN, last_confirmed=NOW - age)

    assert pytest.approx(0.975 * 0.9 ** (days / 30), rel=0, abs=EXACT) == score(evidence, NOW).effectiveness


@pytest.mark.parametrize(
    ("count", "frequency"), [(0, 0.6), (1, 0.6), (14, 0.6), (15, 0.602059991327962), (99, 1.0), (10**9, 1.0)]
)
def test_the_frequency_is_held_between_its_bounds(count: int, frequency: float) -> None:
    """Rare patterns weigh 0.6, those seen 99 times or more weigh 1 (spec 6, priority)."""
    priority = score(replace(PROVEN, occurrence_count=count), NOW).priority

    assert pytest.approx(0.975 * frequency, rel=0, abs=EXACT) == priority


@pytest.mark.parametrize(("variance", "share"), [(0.0, 1.0), (0.25, 0.75), (1.0, 0.0)])
def test_variance_takes_from_the_priority_only(variance: float, share: float) -> None:
    """A pattern that works only sometimes deserves less attention (spec 6, priority)."""
    scores = score(replace(PROVEN, variance=variance), NOW)

    assert pytest.approx(0.975, rel=0, abs=EXACT) == scores.effectiveness
    assert pytest.approx(0.585 * share, rel=0, abs=EXACT) == scores.priority


@given(
    st.builds(
        Evidence,
        st.integers(0, 10**12),
        st.integers(0, 10**9),
        st.integers(0, 10**9),
        st.floats(0, 1),
        st.floats(0, 1),
        st.integers(EARLIEST, LATEST),
        st.floats(0, 1),
    )
)
def test_scores_are_shares(evidence: Evidence) -> None:
    """Both scores of any possible evidence run from 0 to 1 (spec 2)."""
    scores = score(evidence, NOW)

    assert 0 <= scores.effectiveness <= 1
    assert 0 <= scores.priority <= 1


@pytest.mark.parametrize(
    "change",
    [
        {"occurrence_count": -1},
        {"successes": -1},
        {"failures": -1},
        {"successes": float("inf")},
        {"successes": float("nan")},
        {"occurrence_count": float("inf")},
        {"recent": 1.1},
        {"recent": float("nan")},
        {"grounding": -0.1},
        {"variance": 2.0},
        {"last_confirmed": float("inf")},
        {"last_confirmed": EARLIEST - 1},
        {"last_confirmed": LATEST + 1},
        {"successes": LARGEST_COUNT + 1},
    ],
    ids=str,
)
def test_impossible_evidence_is_refused(change: dict[str, Any]) -> None:
    """Evidence that no sequence of messages can produce raises ValueError (spec 5.5)."""
    evidence = replace(PROVEN, **change)

    with pytest.raises(ValueError, match="impossible values"):
        score(evidence, NOW)
