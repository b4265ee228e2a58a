"""Sightings of a pattern under another id (spec 5.1, step 2; spec 3: content hash, fingerprint, alias)."""

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


def test_a_merge_reactivates_a_deleted_pattern(bench: Bench) -> None:
    """If the sighting is later than the delete; the log says so (spec 5.1, step 2)."""
    bench.apply(sighting("file not created", -5), soft_delete(N, -3), sighting("file_not_created.", -4))
    assert not bench.row(patterns)["active"]

    bench.apply(sighting("File-not-created", -1))
    assert bench.row(patterns)["active"]
    assert list(MERGES) == bench.logged(*MERGES)
    assert 2 == bench.store.stats().merges
