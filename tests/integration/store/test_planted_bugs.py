"""The searches of `checks` find bugs: each is planted in the running product, and found.

Without it the same search finds nothing: the long form runs it over as many examples, and more. A bug of the
transport's own, fetching that is not atomic, is not among them: it shows in the broker, not in the store.
"""

import pytest
from hypothesis import settings

from tests.integration.store import checks, machine, planted_rules, plants
from tests.integration.store.checks import Check
from tests.integration.store.plants import Plant
from tests.integration.store.streams import QUICK
from tests.integration.store.trials import Laboratory

PLANTED: tuple[tuple[Plant, Check], ...] = (
    (plants.no_inbox, checks.exactly_once),
    (plants.no_inbox, checks.every_message_is_accounted_for),
    (plants.acknowledge_before_commit, checks.exactly_once),
    (plants.done_though_rolled_back, checks.exactly_once),
    (plants.quarantine_outside_the_transaction, checks.a_transaction_is_all_or_nothing),
    (plants.slot_key_in_local_time, checks.one_recalculation_for_each_slot),
    (plants.slots_in_local_time, checks.one_recalculation_for_each_slot),
    (plants.replay_under_a_new_id, checks.exactly_once),
    (plants.replay_under_a_new_id, machine.run),
    (planted_rules.window_by_applied_time, checks.order_is_free),
    (planted_rules.null_clears, checks.order_is_free),
    (planted_rules.null_clears, checks.store_is_the_model),
    (planted_rules.empty_list_keeps_tags, checks.store_is_the_model),
    (planted_rules.aliases_not_resolved, checks.merges_keep_the_totals),
    (planted_rules.aliases_not_resolved, checks.store_is_the_model),
    (planted_rules.alias_forgotten_by_sightings, checks.store_is_the_model),
    (planted_rules.what_waits_for_an_alias_is_forgotten, checks.merges_keep_the_totals),
    (planted_rules.late_sighting_reactivates, checks.order_is_free),
    (planted_rules.delete_counts_when_it_arrives, checks.late_is_as_good_as_on_time),
    (planted_rules.newest_sighting_names, checks.order_is_free),
    (planted_rules.ties_fall_to_the_last_to_arrive, checks.order_is_free),
    (planted_rules.hash_of_the_first_sighting, checks.store_is_the_model),
    (planted_rules.merge_into_any, checks.store_is_the_model),
    (planted_rules.application_of_a_deleted_pattern_revives, checks.order_is_free),
    (planted_rules.scored_at_event_time, checks.store_is_the_model),
    (planted_rules.parked_deletes_dropped, checks.exactly_once),
    (plants.id_reuse_unnoticed, checks.store_is_the_model),
    (plants.equal_texts_are_one, checks.every_message_is_accounted_for),
    (plants.replayed_is_another, machine.run),
    (plants.bad_message_costs_its_batch, checks.a_bad_message_costs_only_itself),
    (planted_rules.confirmed_by_any_application, checks.store_is_the_model),
)
EXAMPLES = settings(QUICK, max_examples=50, stateful_step_count=25)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("plant", "check"), PLANTED, ids=lambda each: each.__name__)
def test_a_planted_bug_is_found(
    plant: Plant, check: Check, laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the search for what it breaks."""
    plant(monkeypatch, laboratory)
    with pytest.raises(AssertionError):
        check(laboratory, EXAMPLES)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_test_by_rowcount_is_found(laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the driver does not know how many rows it wrote, each message would be new every time."""
    plants.rowcount_test(monkeypatch, laboratory)
    with pytest.raises(AssertionError):
        checks.exactly_once(laboratory, EXAMPLES)
