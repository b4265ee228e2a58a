"""What must always hold (spec section 7), for hundreds of small streams of messages; the same ones in every run."""

from collections.abc import Generator
from contextlib import closing

import pytest
from hypothesis import settings

from tests.integration.store import checks, machine
from tests.integration.store.streams import BOUNDED
from tests.integration.store.trials import Laboratory
from tests.servers.databases import SqliteDatabase


def bound(laboratory: Laboratory, examples: int) -> settings:
    """This many examples; half of them where each takes three times as long."""
    return settings(BOUNDED, max_examples=examples if laboratory.kind == "sqlite" else examples // 2)


def test_store_is_the_model(laboratory: Laboratory) -> None:
    """After any stream of messages it holds what a serial model in plain Python says (spec 5, 6)."""
    checks.store_is_the_model(laboratory, bound(laboratory, 120))


def test_exactly_once(laboratory: Laboratory) -> None:
    """Any message, any number of times, in any order, through any crash (spec 7, exactly once)."""
    checks.exactly_once(laboratory, bound(laboratory, 50))


def test_every_message_is_accounted_for(laboratory: Laboratory) -> None:
    """In one of applied, parked, quarantined and discarded (spec 7: sent = applied + parked + quarantined)."""
    checks.every_message_is_accounted_for(laboratory, bound(laboratory, 50))


def test_a_transaction_is_all_or_nothing(laboratory: Laboratory) -> None:
    """Also what is quarantined (spec 5)."""
    checks.a_transaction_is_all_or_nothing(laboratory, bound(laboratory, 50))


def test_order_is_free(laboratory: Laboratory) -> None:
    """Without content merges, rows and recalculated scores are the same (spec 7, order-free)."""
    checks.order_is_free(laboratory, bound(laboratory, 50))


def test_late_is_as_good_as_on_time(laboratory: Laboratory) -> None:
    """Event times decide (spec 7, late is as good as on time)."""
    checks.late_is_as_good_as_on_time(laboratory, bound(laboratory, 50))


def test_merges_keep_the_totals(laboratory: Laboratory) -> None:
    """Sightings, successes and failures (spec 7, order-free)."""
    checks.merges_keep_the_totals(laboratory, bound(laboratory, 50))


def test_batches_are_as_good_as_single_messages(laboratory: Laboratory) -> None:
    """However a stream is dealt out into batches (spec 4, apply_batch)."""
    checks.batches_are_as_good_as_single_messages(laboratory, bound(laboratory, 50))


def test_a_bad_message_costs_only_itself(laboratory: Laboratory) -> None:
    """The rest of its batch applies (spec 4, 5)."""
    checks.a_bad_message_costs_only_itself(laboratory, bound(laboratory, 50))


def test_any_journey_of_a_queue_and_a_worker(laboratory: Laboratory) -> None:
    """Crashes before and after the commit, restarts, clocks that jump, repetition and replay (spec 7)."""
    machine.run(laboratory, bound(laboratory, 50))


def test_one_recalculation_for_each_slot(laboratory: Laboratory) -> None:
    """However many beats there are, and whatever the time on the wall (spec 7, exactly once)."""
    checks.one_recalculation_for_each_slot(laboratory, bound(laboratory, 50))


@pytest.fixture(scope="module")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Generator[Laboratory]:
    """A store on SQLite, beside another."""
    with closing(Laboratory(SqliteDatabase(tmp_path_factory.mktemp("beside")))) as laboratory:
        yield laboratory


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_both_databases_agree(laboratory: Laboratory, on_sqlite: Laboratory) -> None:
    """SQLite and PostgreSQL end with equal rows (spec 7, same on both stores)."""
    checks.both_databases_agree(on_sqlite, laboratory, bound(laboratory, 50))
