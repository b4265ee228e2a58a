"""Event times decide, not the order of arrival (spec 5.1): each field of a pattern, after every order of arrival."""

from collections.abc import Callable, Sequence
from itertools import permutations
from typing import Any

import pytest

from ostinato.identity import pattern_id
from store.database.tables import patterns
from store.events import Effect
from store.rules.identity import content_hash
from tests.integration.store.bench import DAY, NOW, Bench, application, sighting, soft_delete

Make = Callable[[str], Sequence[Effect]]


def in_every_order(bench: Bench, make: Make) -> list[dict[str, Any]]:
    """The patterns that the events for a type make, one type for each order of their arrival."""
    orders = list(permutations(range(len(make("T")))))
    for number, order in enumerate(orders):
        events = make(f"T{number}")
        for at in order:
            bench.apply(events[at])
    found = bench.rows(patterns)
    assert len(orders) == len(found)
    return found


def said(found: Sequence[dict[str, Any]], *names: str) -> set[tuple[Any, ...]]:
    """What the patterns say in these fields: one thing, if the order did not matter."""
    return {tuple(row[name] for name in names) for row in found}


@pytest.mark.parametrize(
    ("field", "old", "new"),
    [
        ("description", "a", "b"),
        ("description", "a", ""),
        ("suggested_action", "a", "b"),
        ("fingerprint", "a", "b"),
        ("context_tags", ("a",), ("b", "a")),
        ("context_tags", ("a",), ()),
    ],
)
def test_the_newest_sighting_that_supplied_a_field_wins(bench: Bench, field: str, old: Any, new: Any) -> None:  # noqa: ANN401 - of any field
    """Null keeps what is stored, an empty value does not; the content hash follows (spec 5.1, step 1)."""
    found = in_every_order(
        bench,
        lambda kind: (
            sighting("n", -5, pattern_type=kind, **{field: old}),
            sighting("n", -3, pattern_type=kind, **{field: new}),
            sighting("n", -1, pattern_type=kind),
        ),
    )

    assert {(new,)} == said(found, field)
    for row in found:
        assert content_hash(row["pattern_type"], "n", row["description"], row["fingerprint"]) == row["content_hash"]


@pytest.mark.parametrize("field", ["description", "suggested_action", "fingerprint"])
def test_at_one_event_time_the_later_id_supplies_a_field(bench: Bench, field: str) -> None:
    """Ties are broken by message id (spec 5.1, step 1)."""
    found = in_every_order(
        bench, lambda kind: [sighting("n", -1, pattern_type=kind, **{field: value}) for value in ("a", "c", "b")]
    )

    assert {("b",)} == said(found, field)


@pytest.mark.parametrize("days", [(-5, -3, -1), (-5, -5, -5)], ids=["apart", "at one time"])
def test_the_earliest_sighting_names(bench: Bench, days: tuple[int, int, int]) -> None:
    """Name, provenance and instrument are its, what it leaves out included; ties go to the lower id (spec 5.1)."""
    second = {"provenance": {"job_hash": "second", "sheet_num": 2}, "instrument_name": "i"}
    found = in_every_order(
        bench,
        lambda kind: (
            sighting("N", days[0], pattern_type=kind, provenance={"job_hash": "first"}),
            sighting(" n", days[1], pattern_type=kind, **second),
            sighting("n ", days[2], pattern_type=kind, instrument_name="j"),
        ),
    )

    assert {("N", "first", None, None)} == said(
        found, "pattern_name", "provenance_job_hash", "provenance_sheet_num", "instrument_name"
    )


def test_first_and_last_seen_are_the_earliest_and_the_latest_event_time(bench: Bench) -> None:
    """And the count is that of the sightings (spec 5.1, step 1)."""
    found = in_every_order(bench, lambda kind: [sighting("n", day, pattern_type=kind) for day in (-5, -3, -1)])

    assert {(3, NOW - 5 * DAY, NOW - DAY)} == said(found, "occurrence_count", "first_seen", "last_seen")


@pytest.mark.parametrize(("seen", "active"), [(-1, True), (-2, False), (-3, False)], ids=["later", "tie", "earlier"])
def test_deletes_and_sightings_come_in_any_order(bench: Bench, seen: int, *, active: bool) -> None:
    """A pattern is active unless its newest delete is at or after it was last seen (spec 5.1)."""

    def make(kind: str) -> Sequence[Effect]:
        key = pattern_id(kind, "n")
        seen_twice = (sighting("n", -9, pattern_type=kind), sighting("n", seen, pattern_type=kind))
        return (*seen_twice, soft_delete(key, -2), soft_delete(key, -8))

    assert {(active, NOW - 2 * DAY)} == said(in_every_order(bench, make), "active", "deleted_at")


@pytest.mark.parametrize(
    ("days", "confirmed"),
    [((-9, -4, -2), -4), ((-9, -20, -2), -9), ((-1, -4, -2), -1)],
    ids=["by a success", "by being seen", "seen since"],
)
def test_last_confirmed_is_the_later_of_first_seen_and_the_newest_success(
    bench: Bench, days: tuple[int, int, int], confirmed: int
) -> None:
    """A failure does not confirm (spec 5.1)."""

    def make(kind: str) -> Sequence[Effect]:
        key = pattern_id(kind, "n")
        outcomes = (application(key, "S", days[1]), application(key, "F", days[2]))
        return (sighting("n", days[0], pattern_type=kind), *outcomes)

    assert {(NOW + confirmed * DAY,)} == said(in_every_order(bench, make), "last_confirmed")


@pytest.mark.parametrize("late", [0, 3, 5])
def test_the_window_is_that_of_the_newest_event_times(bench: Bench, late: int) -> None:
    """An old outcome that comes last is not among the five newest (spec 6)."""
    events = [application(pattern_id("T", "n"), outcome, day) for day, outcome in enumerate("FSSSSS", -6)]
    bench.apply(sighting("n", -9), *(event for event in events if event is not events[late]), events[late])

    row = bench.row(patterns)
    assert (1.0, [event.id for event in events[:0:-1]]) == (row["recent"], [each.message_id for each in row["window"]])
