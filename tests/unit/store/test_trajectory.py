"""A pattern's trajectory, computed from what is known about it, against the rules that fold its messages."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostinato.identity import pattern_id
from store.events import Application, Sighting
from store.rules.pattern import PatternState, applied, first_sighted, rescored, sighted
from store.rules.scoring import DAY, Outcome
from store.rules.trajectory import Totals, Trajectory, moments, trajectory
from tests.integration.store.bench import NOW, TODAY, application, sighting

KEY = pattern_id("T", "n")
FIRST, LAST = NOW - 90 * DAY, NOW
AT = moments(FIRST, LAST, 31)
Event = Sighting | Application


@st.composite
def events(draw: st.DrawFn) -> list[Event]:
    """A first sighting 90 days ago, and later events in any order."""
    ages = st.integers(0, 90 * 24)
    rest: list[Event] = []
    for hours in draw(st.lists(ages, max_size=25)):
        at = TODAY - timedelta(hours=hours)
        grounding = draw(st.none() | st.floats(0, 1))
        rest.append(
            sighting("n", occurred_at=at)
            if draw(st.booleans())
            else application(KEY, draw(st.sampled_from("SF")), occurred_at=at, grounding_confidence=grounding)
        )
    return [sighting("n", -90), *rest]


def told(said: Sequence[Event]) -> PatternState:
    """The pattern that the store's rules make from these events."""
    first, *rest = [each for each in said if isinstance(each, Sighting)]
    pattern = first_sighted(first)
    for event in rest:
        pattern = sighted(pattern, event)
    for event in said:
        pattern = applied(pattern, event) if isinstance(event, Application) else pattern
    return pattern


def totals(pattern: PatternState) -> Totals:
    """What the pattern's row says."""
    return Totals(
        pattern.occurrence_count,
        pattern.led_to_success_count,
        pattern.led_to_failure_count,
        pattern.first_seen,
        pattern.newest_success,
        pattern.variance,
    )


def known(said: Sequence[Event]) -> tuple[list[int], list[Outcome]]:
    """The number of sightings up to each moment and in all, and every outcome in order."""
    seen = sorted(each.occurred_at for each in said if isinstance(each, Sighting))
    tried = sorted((each for each in said if isinstance(each, Application)), key=lambda each: each.stamp)
    outcomes = [Outcome(*each.stamp, each.pattern_led_to_success, each.grounding_confidence) for each in tried]
    return [*(bisect_right(seen, moment) for moment in AT), len(seen)], outcomes


@given(events())
def test_each_point_is_what_the_rules_make_of_the_events_until_then(said: list[Event]) -> None:
    """Counts and both scores, exactly, at every moment."""
    found = trajectory(totals(told(said)), AT, *known(said))
    assert (0, AT) == (found.undated, [each.at for each in found.points])
    for point in found.points:
        then = rescored(told([each for each in said if each.occurred_at <= point.at]), point.at)
        assert (point.sightings, point.successes, point.failures) == (
            then.occurrence_count,
            then.led_to_success_count,
            then.led_to_failure_count,
        )
        assert (point.scores.effectiveness, point.scores.priority) == (then.effectiveness_score, then.priority_score)


def test_what_is_undated_counts_from_the_first_sighting_on() -> None:
    """So that the end is right however little is known about the past."""
    said = [sighting("n", -90), *(application(KEY, "S", -day) for day in (60, 30, 1))]
    pattern = told(said)
    more = totals(pattern)._replace(occurrence_count=41, successes=5, failures=2)
    found = trajectory(more, AT, *known(said))
    assert 40 + 2 + 2 == found.undated
    assert [(41, 2, 2), (41, 5, 2)] == [each[1:4] for each in (found.points[0], found.points[-1])]


def test_a_success_that_is_later_than_a_moment_confirms_nothing_then() -> None:
    """Neither does a success that another store counted."""
    pattern = told([sighting("n", -90)])
    told_of = totals(pattern)._replace(successes=3, newest_success=NOW - 10 * DAY)
    points = trajectory(told_of, AT, *known([sighting("n", -90)])).points
    fresh = points[0].scores.effectiveness
    assert points[26].scores.effectiveness == pytest.approx(fresh * 0.9 ** (78 / 30))
    assert points[-1].scores.effectiveness == pytest.approx(fresh * 0.9 ** (10 / 30))


def test_events_that_are_later_than_every_moment_count_nowhere() -> None:
    """They are not taken for undated ones."""
    said = [sighting("n", -90), sighting("n", 1), application(KEY, "S", 1)]
    found: Trajectory = trajectory(totals(told(said)), AT, *known(said))
    assert (0, (1, 0, 0)) == (found.undated, found.points[-1][1:4])


def test_impossible_values_have_no_scores() -> None:
    """They are an error, as for a recalculation."""
    with pytest.raises(ValueError, match="impossible"):
        trajectory(totals(told([sighting("n", -90)]))._replace(failures=-1), AT, *known([sighting("n", -90)]))


def test_moments_are_even_and_reach_both_ends() -> None:
    """Not more moments than microseconds; one moment if there is no span."""
    assert [0, 25, 50, 75, 100] == moments(0, 100, 5)
    assert [0, 1, 2] == moments(0, 2, 60)
    assert [[7], [5]] == [moments(7, 7, 60), moments(9, 5, 60)]
