"""A pattern's past, computed from what is known of it, against the rules that fold its messages."""

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
from store.rules.trajectory import Course, Whole, course, moments
from tests.integration.store.bench import NOW, TODAY, application, sighting

KEY = pattern_id("T", "n")
FIRST, LAST = NOW - 90 * DAY, NOW
AT = moments(FIRST, LAST, 31)
Event = Sighting | Application


@st.composite
def events(draw: st.DrawFn) -> list[Event]:
    """A first sighting 90 days ago, and what came after it, in any order."""
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
    """The pattern as the store's rules make it of these events."""
    first, *rest = [each for each in said if isinstance(each, Sighting)]
    pattern = first_sighted(first)
    for event in rest:
        pattern = sighted(pattern, event)
    for event in said:
        pattern = applied(pattern, event) if isinstance(event, Application) else pattern
    return pattern


def whole(pattern: PatternState) -> Whole:
    """What its row says."""
    return Whole(
        pattern.occurrence_count,
        pattern.led_to_success_count,
        pattern.led_to_failure_count,
        pattern.first_seen,
        pattern.newest_success,
        pattern.variance,
    )


def known(said: Sequence[Event]) -> tuple[list[int], list[Outcome]]:
    """How many sightings there are up to each moment and in all, and every outcome, in order."""
    seen = sorted(each.occurred_at for each in said if isinstance(each, Sighting))
    tried = sorted((each for each in said if isinstance(each, Application)), key=lambda each: each.stamp)
    outcomes = [Outcome(*each.stamp, each.pattern_led_to_success, each.grounding_confidence) for each in tried]
    return [*(bisect_right(seen, moment) for moment in AT), len(seen)], outcomes


@given(events())
def test_each_stand_is_what_the_rules_make_of_the_events_until_then(said: list[Event]) -> None:
    """Counts and both scores, to the last digit, at every moment."""
    found = course(whole(told(said)), AT, *known(said))
    assert (0, AT) == (found.undated, [each.at for each in found.stands])
    for stand in found.stands:
        then = rescored(told([each for each in said if each.occurred_at <= stand.at]), stand.at)
        assert (stand.sightings, stand.successes, stand.failures) == (
            then.occurrence_count,
            then.led_to_success_count,
            then.led_to_failure_count,
        )
        assert (stand.scores.effectiveness, stand.scores.priority) == (then.effectiveness_score, then.priority_score)


def test_what_has_no_time_counts_from_the_first_sighting_on() -> None:
    """So that the end is right whatever is known of the past."""
    said = [sighting("n", -90), *(application(KEY, "S", -day) for day in (60, 30, 1))]
    pattern = told(said)
    more = whole(pattern)._replace(occurrence_count=41, successes=5, failures=2)
    found = course(more, AT, *known(said))
    assert 40 + 2 + 2 == found.undated
    assert [(41, 2, 2), (41, 5, 2)] == [each[1:4] for each in (found.stands[0], found.stands[-1])]


def test_a_success_that_is_later_than_a_moment_confirms_nothing_then() -> None:
    """Nor one that another store had counted."""
    pattern = told([sighting("n", -90)])
    told_of = whole(pattern)._replace(successes=3, newest_success=NOW - 10 * DAY)
    stands = course(told_of, AT, *known([sighting("n", -90)])).stands
    fresh = stands[0].scores.effectiveness
    assert stands[26].scores.effectiveness == pytest.approx(fresh * 0.9 ** (78 / 30))
    assert stands[-1].scores.effectiveness == pytest.approx(fresh * 0.9 ** (10 / 30))


def test_events_that_are_later_than_every_moment_count_nowhere() -> None:
    """And are not taken for undated ones."""
    said = [sighting("n", -90), sighting("n", 1), application(KEY, "S", 1)]
    found: Course = course(whole(told(said)), AT, *known(said))
    assert (0, (1, 0, 0)) == (found.undated, found.stands[-1][1:4])


def test_impossible_values_have_no_scores() -> None:
    """As everywhere."""
    with pytest.raises(ValueError, match="impossible"):
        course(whole(told([sighting("n", -90)]))._replace(failures=-1), AT, *known([sighting("n", -90)]))


def test_moments_are_even_and_reach_both_ends() -> None:
    """No more than there are microseconds, and one where there is no span."""
    assert [0, 25, 50, 75, 100] == moments(0, 100, 5)
    assert [0, 1, 2] == moments(0, 2, 60)
    assert [[7], [5]] == [moments(7, 7, 60), moments(9, 5, 60)]
