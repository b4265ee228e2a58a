"""Recomputing every pattern's scores (spec 5.5 and 6)."""

from typing import Any, NoReturn

import pytest

from ostinato.identity import pattern_id
from store.database.tables import patterns, quarantine, recalculations
from store.events import Recalculation
from store.writing.recalculation import recalculate
from tests.integration.store.bench import DAY, NOW, Bench, Crash, application, recalculation, sighting, soft_delete
from tests.samples.golden_scores import EXACT

N = pattern_id("T", "n")
SECOND = 1_000_000


def names_seen(bench: Bench, count: int) -> list[str]:
    """Put this many patterns into the store; their ids, in order."""
    bench.apply(*(sighting(f"pattern {number}") for number in range(count)))
    return sorted(pattern_id("T", f"pattern {number}") for number in range(count))


def scores(bench: Bench) -> list[float]:
    """The effectiveness of every pattern, in the order of their ids."""
    return [row["effectiveness_score"] for row in bench.rows(patterns)]


@pytest.mark.parametrize(("count", "deliveries"), [(0, 1), (1, 1), (2, 2), (3, 2), (4, 3)])
def test_one_delivery_does_one_chunk(bench: Bench, count: int, deliveries: int) -> None:
    """So that messages wait for one chunk at most; the last chunk says that it is the last (spec 5.5)."""
    names_seen(bench, count)
    event = recalculation()
    answers = [bench.recalculate(event, chunk=2) for _ in range(deliveries)]

    assert [False] * (deliveries - 1) + [True] == answers
    assert [0.55] * count == scores(bench)
    assert (count + 1, 0, 0, 0) == bench.ledger()
    assert bench.store.recalculated(event.id)


def test_the_log_says_what_was_done(bench: Bench) -> None:
    """The count and the duration, once, when it is done (spec 5.5)."""
    names_seen(bench, 3)
    event = recalculation()
    bench.recalculate(event, chunk=2)
    assert [] == bench.logged("priorities_recalculated")
    assert event.id in [entry.get("message_id") for entry in bench.logs if entry["event"] == "message_applied"]

    bench.recalculate(event, now=NOW + 7 * SECOND, chunk=2)
    expected: dict[str, object] = {"event": "priorities_recalculated", "log_level": "info", "message_id": event.id}
    expected |= {"patterns": 3, "changed": 3, "skipped": 0, "seconds": 7.0}
    assert expected in bench.logs
    assert NOW + 7 * SECOND == bench.row(recalculations)["finished_at"]


def test_all_chunks_have_one_clock_reading(bench: Bench) -> None:
    """That of the first, however much later the others come (spec 5.5)."""
    ids = names_seen(bench, 4)
    bench.apply(*(application(each) for each in ids for _ in range(3)))
    event = recalculation()
    assert not bench.recalculate(event, now=NOW + 30 * DAY, chunk=3)
    assert bench.recalculate(event, now=NOW + 90 * DAY, chunk=3)

    assert [pytest.approx(0.9625 * 0.9, abs=EXACT)] * 4 == scores(bench)


def test_messages_are_applied_between_two_chunks(bench: Bench) -> None:
    """A pattern that is new meanwhile is recomputed if its turn is still to come (spec 5.5)."""
    ids = names_seen(bench, 4)
    event = recalculation()
    bench.recalculate(event, chunk=2)
    assert [0.55, 0.55, 0.5, 0.5] == scores(bench)

    names = [f"new {number}" for number in range(20)]
    bench.apply(*(sighting(name) for name in names))
    bench.recalculate(event, chunk=99)
    missed = {pattern_id("T", name) for name in names if pattern_id("T", name) < ids[1]}
    assert missed == {row["id"] for row in bench.rows(patterns) if row["effectiveness_score"] == 0.5}
    assert 0 < len(missed) < len(names)


def crash_in_a_chunk(bench: Bench, event: Recalculation) -> NoReturn:
    """Raises Crash after the next chunk is written and before it is committed."""
    with bench.transaction() as transaction:
        recalculate(transaction, event, task="recalculate", delivery="d", chunk=2)
        raise Crash


def test_a_crash_between_chunks_resumes_where_it_was(bench: Bench) -> None:
    """A chunk that was not committed is done again (spec 5.5)."""
    names_seen(bench, 5)
    event = recalculation()
    assert not bench.recalculate(event, chunk=2)
    with pytest.raises(Crash):
        crash_in_a_chunk(bench, event)
    assert [0.55, 0.55, 0.5, 0.5, 0.5] == scores(bench)

    assert not bench.recalculate(event, chunk=2)
    assert bench.recalculate(event, chunk=2)
    row = bench.row(recalculations)
    assert (5, 5, 0, NOW) == (row["patterns"], row["changed"], row["skipped"], row["finished_at"])
    assert (6, 0, 0, 0) == bench.ledger()


def test_a_run_that_was_left_is_put_right_by_the_next(bench: Bench) -> None:
    """Two at once leave nothing wrong (spec 5.5)."""
    names_seen(bench, 4)
    left, other = recalculation(), recalculation()
    bench.recalculate(left, chunk=2)
    bench.recalculate(other, chunk=3)
    bench.recalculate(left, chunk=1)
    assert bench.recalculate(other, chunk=3)

    assert [0.55] * 4 == scores(bench)
    assert (False, True) == (bench.store.recalculated(left.id), bench.store.recalculated(other.id))
    assert bench.store.stats().last_recalculation is not None


def test_a_duplicate_after_the_end_has_no_effect(bench: Bench) -> None:
    """It is done, and counted (spec 5)."""
    names_seen(bench, 2)
    event = recalculation()
    bench.recalculate(event)
    before = (bench.rows(patterns), bench.rows(recalculations))

    assert bench.recalculate(event, now=NOW + 99 * DAY)
    assert before == (bench.rows(patterns), bench.rows(recalculations))
    assert (3, 0, 0, 1) == bench.ledger()


@pytest.mark.parametrize(
    "first", [sighting(), recalculation(occurred_at="2026-01-01T00:00:00Z")], ids=lambda each: each.kind
)
def test_an_id_with_another_content_is_quarantined(bench: Bench, first: Any) -> None:  # noqa: ANN401 - an event of any kind
    """Nothing is recomputed for it (spec 5: id_reuse)."""
    names_seen(bench, 1)
    if first.kind == "record_pattern":
        bench.apply(first)
    else:
        bench.recalculate(first)
    event = recalculation(id=first.id)

    assert bench.recalculate(event)
    assert ("id_reuse", event.content.encode()) == (bench.row(quarantine)["reason_code"], bench.row(quarantine)["raw"])
    assert len(bench.rows(recalculations)) == (first.kind != "record_pattern")


def test_a_recalculations_id_is_taken(bench: Bench) -> None:
    """Also for messages of other kinds (spec 5: id_reuse)."""
    event = recalculation()
    bench.recalculate(event)
    bench.apply(sighting(id=event.id))

    assert (1, 0, 1, 0) == bench.ledger()


@pytest.mark.parametrize(
    "change",
    [
        "led_to_success_count = -1",
        "occurrence_count = -5",
        "occurrence_count = 9223372036854775807",
        "led_to_success_count = 9223372036854775807, led_to_failure_count = 9223372036854775807",
        "recent = 1.5",
        "grounding = -0.1",
        "variance = 2",
        "last_confirmed = -9223372036854775807",
    ],
)
def test_a_row_with_impossible_values_is_reported_and_skipped(bench: Bench, change: str) -> None:
    """It is not fatal, and the others are recomputed (spec 5.5)."""
    ids = names_seen(bench, 3)
    bench.sql(f"UPDATE patterns SET {change} WHERE id = :id", id=ids[1])  # noqa: S608 - texts of ours

    assert bench.recalculate()
    assert [0.55, 0.5, 0.55] == scores(bench)
    (entry,) = [entry for entry in bench.logs if entry["event"] == "pattern_scores_impossible"]
    assert (ids[1], "error") == (entry["pattern_id"], entry["log_level"])
    assert (3, 2, 1) == tuple(bench.row(recalculations)[name] for name in ("patterns", "changed", "skipped"))


def test_an_application_to_a_row_with_impossible_values_counts(bench: Bench) -> None:
    """The row keeps its scores, and that is reported (spec 5.2, 5.5)."""
    bench.apply(sighting())
    bench.sql("UPDATE patterns SET variance = 2")
    bench.apply(application(N))

    assert (1, 0.5) == (bench.row(patterns)["led_to_success_count"], bench.row(patterns)["effectiveness_score"])
    assert ["pattern_scores_impossible"] == bench.logged("pattern_scores_impossible")


def test_deleted_patterns_are_included(bench: Bench) -> None:
    """They may come back (spec 5.5)."""
    bench.apply(sighting(), soft_delete(N))
    bench.recalculate()

    assert [0.55] == scores(bench)
    assert not bench.row(patterns)["active"]
