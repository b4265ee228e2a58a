"""How scores moved, on each kind of database."""

from datetime import timedelta

import pytest

from ostinato.identity import pattern_id
from ostinato.messages.models import ImportPattern
from ostinato.messages.wire import make
from store.history.pruning import prunable, prune_contents
from store.reading.reader import Reader
from store.reading.trajectories import trajectories
from store.rules.scoring import DAY
from store.rules.trajectory import Trajectory
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


def found(bench: Bench, *keys: str, points: int = 60) -> dict[str, Trajectory]:
    """The trajectories of these patterns up to now."""
    with bench.reading() as connection:
        return trajectories(connection, keys, upto=NOW, points=points)


def test_the_end_is_what_the_last_recalculation_gave(lived: Bench) -> None:
    """Scores are equal but for the last three digits; counts are equal."""
    known = found(lived, KEY, pattern_id("T", "other"), "unknown")
    assert {KEY, pattern_id("T", "other")} == set(known)
    for key, each in known.items():
        pattern, end = lived.store.pattern(key), each.points[-1]
        assert (NOW, 0, 60) == (end.at, each.undated, len(each.points))
        assert end.scores.priority == pytest.approx(pattern.priority_score, abs=1e-12)
        assert end.scores.effectiveness == pytest.approx(pattern.effectiveness_score, abs=1e-12)
        assert pattern.occurrence_count == end.sightings
        assert (pattern.led_to_success_count, pattern.led_to_failure_count) == (end.successes, end.failures)


def test_the_past_is_what_recalculations_gave_at_that_time(bench: Bench) -> None:
    """The score that a store has at the end of each day is the one that the trajectory has for that moment later."""
    recalculated: dict[int, float] = {}
    for day in range(-30, 1):
        bench.apply(sighting("n", day), application(KEY, "SSF"[day % 3], day), now=NOW + day * DAY)
        bench.recalculate(recalculation(), now=NOW + day * DAY)
        recalculated[NOW + day * DAY] = bench.store.pattern(KEY).priority_score
    points = found(bench, KEY, points=31)[KEY].points
    assert list(recalculated) == [each.at for each in points]
    assert list(recalculated.values()) == pytest.approx([each.scores.priority for each in points], abs=1e-12)


def test_pruned_sightings_are_undated(lived: Bench) -> None:
    """Applications keep their times, and the end is still right."""
    with Reader(lived.url) as reader:
        for chosen in prunable(reader, NOW + 1):
            prune_contents(lived.writer, lambda: NOW, chosen)
    pattern, pruned = lived.store.pattern(KEY), found(lived, KEY)[KEY]
    assert pattern.occurrence_count == pruned.undated == pruned.points[0].sightings
    assert pruned.points[-1].scores.priority == pytest.approx(pattern.priority_score, abs=1e-12)


def test_what_another_store_counted_is_undated(bench: Bench) -> None:
    """It counts from the first sighting on."""
    said = {"pattern_type": "T", "pattern_name": "n", "pattern_id": "old", "first_seen": TODAY - timedelta(days=90)}
    counted = {"occurrence_count": 20, "led_to_success_count": 4, "led_to_failure_count": 1}
    event = imported(make(ImportPattern, said | counted | {"last_confirmed": TODAY - timedelta(days=40)}))
    bench.apply(event)
    bench.recalculate(recalculation())
    joined = found(bench, event.pattern_id)[event.pattern_id]
    assert 25 == joined.undated
    assert joined.points[-1].scores.priority == pytest.approx(
        bench.store.pattern(event.pattern_id).priority_score, abs=1e-12
    )


def test_a_row_with_impossible_values_has_no_trajectory(lived: Bench) -> None:
    """Other patterns have theirs."""
    lived.sql("UPDATE patterns SET variance = 7 WHERE id = :key", key=KEY)
    assert [pattern_id("T", "other")] == list(found(lived, KEY, pattern_id("T", "other")))
