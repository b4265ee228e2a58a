"""Sightings that mean another pattern, and ids that were merged into one (spec 5.1, steps 2 and 3; spec 3, alias)."""

import pytest

from ostinato.identity import pattern_id
from store.database.tables import aliases, applications, patterns
from tests.integration.store.bench import DAY, NOW, Bench, application, rescore, sighting, soft_delete

NAME, SPELT = "file not created", "file_not_created."
N, ALIAS = (pattern_id("T", name) for name in (NAME, SPELT))
MERGES = ("pattern_merged_via_content_hash", "pattern_reactivated_via_hash_merge")


def test_another_spelling_merges_and_becomes_an_alias(bench: Bench) -> None:
    """Counted, remembered and logged; there is still one pattern (spec 5.1, step 2)."""
    bench.apply(sighting(NAME, -5), other := sighting(SPELT, -1))

    row = bench.row(patterns)
    assert (N, 2) == (row["id"], row["occurrence_count"])
    assert (NOW - 5 * DAY, NOW - DAY) == (row["first_seen"], row["last_seen"])
    assert {"alias": ALIAS, "pattern_id": N} == bench.row(aliases)
    entry = {"event": MERGES[0], "log_level": "info", "pattern_id": N, "alias": ALIAS}
    assert entry | {"message_id": other.id, "delivery": "delivery"} in bench.logs
    assert 1 == bench.store.stats().merges


def test_an_alias_means_its_pattern_for_ever(bench: Bench) -> None:
    """In applications, deletes, updates and further sightings, also when the hashes part (spec 3, alias)."""
    bench.apply(sighting(NAME, -5), sighting(SPELT, -4))
    bench.apply(sighting(NAME, -3, description="now another hash"))
    bench.apply(application(ALIAS, "S", -2), rescore(ALIAS), sighting(SPELT, -2), soft_delete(ALIAS, -1))

    row = bench.row(patterns)
    assert (4, 1, False, 0.55) == tuple(
        row[name] for name in ("occurrence_count", "led_to_success_count", "active", "effectiveness_score")
    )
    assert N == bench.row(applications)["pattern_id"]
    assert 1 == len(bench.rows(aliases))
    assert 2 == bench.store.stats().merges


def test_a_merge_reactivates_a_deleted_pattern(bench: Bench) -> None:
    """If it was seen after the delete, and the log says so (spec 5.1, step 2)."""
    bench.apply(sighting(NAME, -5), soft_delete(N, -3), sighting(SPELT, -4))
    assert not bench.row(patterns)["active"]

    bench.apply(sighting("File-not-created", -1))
    assert bench.row(patterns)["active"]
    assert list(MERGES) == bench.logged(*MERGES)
    assert 2 == bench.store.stats().merges


def test_a_delete_by_an_alias_is_a_delete(bench: Bench) -> None:
    """And the second one changes nothing, whichever id it names (spec 3, 5.3)."""
    bench.apply(sighting(NAME, -9), sighting(SPELT, -8), soft_delete(ALIAS, -2))
    before = bench.row(patterns)
    bench.apply(soft_delete(N, -3), soft_delete(ALIAS, -2))

    assert before == bench.row(patterns)
    assert not before["active"]
    assert 2 == bench.logged().count("pattern_already_soft_deleted")


@pytest.mark.parametrize("alias", [True, False], ids=["alias", "own id"])
def test_parked_deletes_and_applications_are_adopted_in_event_time_order(bench: Bench, *, alias: bool) -> None:
    """One after the other, whatever their kind and the order they came in (spec 5.1, steps 2 and 3)."""
    name, key = (SPELT, ALIAS) if alias else (NAME, N)
    if alias:
        bench.apply(sighting(NAME, -9))
    events = (application(key, "S", -4), soft_delete(key, -3), application(key, "F", -2), soft_delete(key, -1))
    bench.apply(*reversed(events))
    bench.apply(sighting(name, -5))

    adopted = [entry["message_id"] for entry in bench.logs if entry["event"] == "parked_message_applied"]
    assert [event.id for event in events] == adopted
    row = bench.row(patterns)
    assert (1, 1, NOW - DAY, False) == (
        row["led_to_success_count"],
        row["led_to_failure_count"],
        row["deleted_at"],
        row["active"],
    )
