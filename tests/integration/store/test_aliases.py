"""Ids that were merged into another pattern: messages about them are about it (spec 3, alias; 5.1, step 2; 5.2)."""

import pytest

from ostinato.identity import pattern_id
from store.database.tables import patterns
from tests.integration.store.bench import DAY, NOW, Bench, application, rescore, sighting, soft_delete

NAME, SPELT, AGAIN = "file not created", "file_not_created.", "File-not-created"
N, ALIAS, SECOND = (pattern_id("T", name) for name in (NAME, SPELT, AGAIN))


def test_an_alias_of_a_deleted_pattern_means_the_deleted_pattern(bench: Bench) -> None:
    """Applications count and leave it deleted; a later sighting under the alias brings it back (spec 5.1, 5.2)."""
    bench.apply(sighting(NAME, -9), soft_delete(N, -5), sighting(SPELT, -6))
    bench.apply(application(ALIAS, "S", -4), rescore(ALIAS))
    row = bench.row(patterns)
    assert (1, False, 0.55) == (row["led_to_success_count"], row["active"], row["effectiveness_score"])

    bench.apply(sighting(SPELT, -3))
    assert bench.row(patterns)["active"]
    assert ["pattern_reactivated_via_hash_merge"] == bench.logged("pattern_reactivated_via_hash_merge")


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
