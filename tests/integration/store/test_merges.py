"""Sightings of a pattern under another id (spec 5.1, step 2; spec 3: content hash, fingerprint, alias)."""

from itertools import permutations

import pytest

from ostinato.identity import pattern_id
from store.database.tables import aliases, applications, patterns
from tests.integration.store.bench import DAY, NOW, Bench, application, rescore, sighting, soft_delete

N = pattern_id("T", "file not created")
ALIAS = pattern_id("T", "file_not_created.")
MERGES = ("pattern_merged_via_content_hash", "pattern_reactivated_via_hash_merge")


def test_another_spelling_merges_and_becomes_an_alias(bench: Bench) -> None:
    """Counted, remembered and logged; there is still one pattern (spec 5.1, step 2)."""
    bench.apply(sighting("file not created", -5), other := sighting("file_not_created.", -1))

    row = bench.row(patterns)
    assert (N, 2) == (row["id"], row["occurrence_count"])
    assert (NOW - 5 * DAY, NOW - DAY) == (row["first_seen"], row["last_seen"])
    assert {"alias": ALIAS, "pattern_id": N} == bench.row(aliases)
    entry = {"event": MERGES[0], "log_level": "info", "pattern_id": N, "alias": ALIAS}
    assert entry | {"message_id": other.id, "delivery": "delivery"} in bench.logs
    assert 1 == bench.store.stats().merges


def test_a_merge_changes_nothing_else(bench: Bench) -> None:
    """Name, texts, tags, provenance, scores and hash stay what they are (spec 5.1, step 2)."""
    bench.apply(sighting("file not created", -5, context_tags=["a"], suggested_action="s", instrument_name="i"))
    before = bench.row(patterns)
    bench.apply(
        sighting(
            "FILE-not-created",
            -7,
            context_tags=[],
            suggested_action="t",
            instrument_name="j",
            provenance={"job_hash": "h", "sheet_num": 1},
        )
    )

    changed = {"occurrence_count": 2, "first_seen": NOW - 7 * DAY, "last_confirmed": NOW - 7 * DAY}
    assert before | changed == bench.row(patterns)


def test_an_alias_means_its_pattern_for_ever(bench: Bench) -> None:
    """In applications, deletes, updates and further sightings, also when the hashes part (spec 3, alias)."""
    bench.apply(sighting("file not created", -5), sighting("file_not_created.", -4))
    bench.apply(sighting("file not created", -3, description="now another hash"))
    bench.apply(application(ALIAS, "S", -2), rescore(ALIAS), sighting("file_not_created.", -2), soft_delete(ALIAS, -1))

    row = bench.row(patterns)
    assert (4, 1, False, 0.55) == tuple(
        row[name] for name in ("occurrence_count", "led_to_success_count", "active", "effectiveness_score")
    )
    assert N == bench.row(applications)["pattern_id"]
    assert 1 == len(bench.rows(aliases))
    assert 2 == bench.store.stats().merges


def test_descriptions_keep_patterns_apart(bench: Bench) -> None:
    """The same name with another description is another pattern, unless the id is the same (spec 3, content hash)."""
    bench.apply(sighting("file not created", description="a"), sighting("file_not_created", description="b"))

    assert 2 == len(bench.rows(patterns))
    assert [] == bench.rows(aliases)


def test_types_keep_patterns_apart(bench: Bench) -> None:
    """The hash covers the type (spec 3, content hash)."""
    bench.apply(sighting("n"), sighting("n.", pattern_type="U"))

    assert 2 == len(bench.rows(patterns))


def test_a_fingerprint_merges_different_names(bench: Bench) -> None:
    """On purpose, and within one type (spec 3, fingerprint)."""
    bench.apply(sighting("one", fingerprint="f"), sighting("two", fingerprint="f", description="d"))
    bench.apply(sighting("three", fingerprint="f", pattern_type="U"), sighting("four", fingerprint="F"))

    names = {row["pattern_name"]: row["occurrence_count"] for row in bench.rows(patterns)}
    assert {"one": 2, "three": 1, "four": 1} == names


def test_a_known_id_does_not_merge(bench: Bench) -> None:
    """The first step comes first: its row keeps its own sightings, though its hash becomes another's (spec 5.1)."""
    bench.apply(sighting("one", -3), sighting("two", -3, description="d"))
    bench.apply(sighting("two", -2, fingerprint="f"), sighting("one", -2, fingerprint="f"))

    assert [2, 2] == [row["occurrence_count"] for row in bench.rows(patterns)]
    assert 1 == len({row["content_hash"] for row in bench.rows(patterns)})
    assert [] == bench.rows(aliases)


def test_of_several_with_the_same_hash_the_highest_priority_is_meant(bench: Bench) -> None:
    """Then the lowest id (spec 5.1, step 2)."""
    names = ["one", "two", "three"]
    bench.apply(*(sighting(name, -3) for name in names), *(sighting(name, -2, fingerprint="f") for name in names))
    assert 3 == len(bench.rows(patterns))

    bench.apply(sighting("four", -1, fingerprint="f"))
    lowest = min(pattern_id("T", name) for name in names)
    assert lowest == bench.row(aliases)["pattern_id"]

    best = max(pattern_id("T", name) for name in names)
    bench.apply(*(application(best, "S", -1) for _ in range(5)))
    bench.apply(sighting("five", -1, fingerprint="f"))
    assert [best, lowest] == [
        {row["alias"]: row["pattern_id"] for row in bench.rows(aliases)}[pattern_id("T", name)]
        for name in ("five", "four")
    ]


def test_a_merge_reactivates_a_deleted_pattern(bench: Bench) -> None:
    """If the sighting is later than the delete; the log says so (spec 5.1, step 2)."""
    bench.apply(sighting("file not created", -5), soft_delete(N, -3), sighting("file_not_created.", -4))
    assert not bench.row(patterns)["active"]

    bench.apply(sighting("File-not-created", -1))
    assert bench.row(patterns)["active"]
    assert list(MERGES) == bench.logged(*MERGES)
    assert 2 == bench.store.stats().merges


@pytest.mark.parametrize("deleted_first", [True, False], ids=["delete first", "sighting first"])
def test_a_merge_and_a_delete_come_in_any_order(bench: Bench, *, deleted_first: bool) -> None:
    """The later event time decides (spec 5.1)."""
    events = (soft_delete(N, -3), sighting("file_not_created.", -1))
    bench.apply(sighting("file not created", -5))
    first, then = events if deleted_first else events[::-1]
    bench.apply(first)
    bench.apply(then)

    assert bench.row(patterns)["active"]


def test_any_order_of_merges_gives_the_same_totals(bench: Bench) -> None:
    """Sightings, successes and failures, whichever spelling came first (spec 7, order-free)."""
    spellings = ["file not created", "file_not_created.", "FILE-not-created!"]
    totals: set[tuple[int, ...]] = set()
    for order in permutations(spellings):
        bench.apply(application(pattern_id("T", spellings[0])), application(pattern_id("T", spellings[1]), "F"))
        bench.apply(*(sighting(name, -1) for name in order))
        row = bench.row(patterns)
        totals.add((row["occurrence_count"], row["led_to_success_count"], row["led_to_failure_count"]))
        for table in ("applications", "aliases", "patterns"):
            bench.sql(f"DELETE FROM {table}")  # noqa: S608 - names of ours

    assert {(3, 1, 1)} == totals
    assert 0 == bench.store.stats().parked
