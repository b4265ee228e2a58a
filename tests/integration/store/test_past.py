"""How scores moved, as a store tells it, on each kind of database."""

from datetime import timedelta

import pytest

from ostinato.identity import pattern_id
from ostinato.messages.models import ImportPattern
from ostinato.messages.wire import make
from store.history.recorded import History, prune_contents
from store.reading.trajectories import Past
from store.rules.scoring import DAY
from tasks.events import imported
from tests.integration.store.bench import NOW, TODAY, Bench, application, recalculation, sighting

KEY = pattern_id("T", "n")
NAMES = ("n", "  N  ", "N")


@pytest.fixture
def lived(bench: Bench) -> Bench:
    """A pattern seen under several names and tried for 60 days, beside others, recalculated today."""
    bench.apply(sighting("other", -3), sighting("n", -60, description="d"), sighting("'n'", -40, description="d"))
    bench.apply(*(sighting(NAMES[day % 3], -day, description="d") for day in range(1, 31)))
    tried = [application(KEY, "SSF"[day % 3], -day, grounding_confidence=0.5) for day in range(2, 40, 3)]
    bench.apply(*tried, application(pattern_id("T", "'n'"), "F", -1), now=NOW - DAY)
    bench.recalculate(recalculation())
    return bench


def test_the_end_is_what_the_last_recalculation_gave(lived: Bench) -> None:
    """To the last digit but three; counts too."""
    with Past(lived.url) as past:
        found = past.courses([KEY, pattern_id("T", "other"), "unknown"], upto=NOW)
    assert {KEY, pattern_id("T", "other")} == set(found)
    for key, course in found.items():
        pattern, end = lived.store.pattern(key), course.stands[-1]
        assert (NOW, 0, 60) == (end.at, course.undated, len(course.stands))
        assert end.scores.priority == pytest.approx(pattern.priority_score, abs=1e-12)
        assert end.scores.effectiveness == pytest.approx(pattern.effectiveness_score, abs=1e-12)
        assert pattern.occurrence_count == end.sightings
        assert (pattern.led_to_success_count, pattern.led_to_failure_count) == (end.successes, end.failures)


def test_the_past_is_what_recalculations_of_then_gave(bench: Bench) -> None:
    """A store that is told day by day says at each day's end what is later said of that day."""
    then: dict[int, float] = {}
    for day in range(-30, 1):
        bench.apply(sighting("n", day), application(KEY, "SSF"[day % 3], day), now=NOW + day * DAY)
        bench.recalculate(recalculation(), now=NOW + day * DAY)
        then[NOW + day * DAY] = bench.store.pattern(KEY).priority_score
    with Past(bench.url) as past:
        stands = past.courses([KEY], upto=NOW, points=31)[KEY].stands
    assert list(then) == [each.at for each in stands]
    assert list(then.values()) == pytest.approx([each.scores.priority for each in stands], abs=1e-12)


def test_pruned_sightings_are_said_to_have_no_time(lived: Bench) -> None:
    """The applications keep theirs, and the end is right all the same."""
    with History(lived.url) as history:
        for chosen in history.prunable(NOW + 1):
            prune_contents(lived.writer, lambda: NOW, chosen)
    with Past(lived.url) as past:
        course = past.courses([KEY], upto=NOW)[KEY]
    pattern = lived.store.pattern(KEY)
    assert pattern.occurrence_count == course.undated == course.stands[0].sightings
    assert course.stands[-1].scores.priority == pytest.approx(pattern.priority_score, abs=1e-12)


def test_what_another_store_counted_has_no_time(bench: Bench) -> None:
    """It counts from the first sighting on."""
    said = {"pattern_type": "T", "pattern_name": "n", "pattern_id": "old", "first_seen": TODAY - timedelta(days=90)}
    counted = {"occurrence_count": 20, "led_to_success_count": 4, "led_to_failure_count": 1}
    event = imported(make(ImportPattern, said | counted | {"last_confirmed": TODAY - timedelta(days=40)}))
    bench.apply(event)
    bench.recalculate(recalculation())
    with Past(bench.url) as past:
        course = past.courses([event.pattern_id], upto=NOW)[event.pattern_id]
    assert 25 == course.undated
    assert course.stands[-1].scores.priority == pytest.approx(
        bench.store.pattern(event.pattern_id).priority_score, abs=1e-12
    )


def test_a_row_with_impossible_values_has_no_course(lived: Bench) -> None:
    """The others do."""
    lived.sql("UPDATE patterns SET variance = 7 WHERE id = :key", key=KEY)
    with Past(lived.url) as past:
        assert [pattern_id("T", "other")] == list(past.courses([KEY, pattern_id("T", "other")], upto=NOW))
