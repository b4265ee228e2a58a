"""What must always hold (spec section 7), searched for a stream of messages for which it does not: model and stores.

The searches for counts are in `test_count_properties`, those for order in `test_order_properties`.
"""

from collections.abc import Generator
from contextlib import closing

import pytest

from tests.integration.store import checks, machine
from tests.integration.store.trials import SEARCHED, Bound, Laboratory
from tests.servers.databases import SqliteDatabase


@SEARCHED
def test_store_is_the_model(laboratory: Laboratory, bound: Bound, full: bool) -> None:  # noqa: FBT001 - a fixture
    """After any stream of messages it holds what a serial model in plain Python says (spec 5, 6)."""
    checks.store_is_the_model(laboratory, bound(120 if full else 50))


@SEARCHED
def test_any_journey_of_a_queue_and_a_worker(laboratory: Laboratory, bound: Bound, full: bool) -> None:  # noqa: FBT001 - a fixture
    """Crashes before and after the commit, restarts, clocks that jump, repetition and replay (spec 7)."""
    machine.run(laboratory, bound(50 if full else 25))


@pytest.fixture(scope="module")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Generator[Laboratory]:
    """A store on SQLite, beside another."""
    with closing(Laboratory(SqliteDatabase(tmp_path_factory.mktemp("beside")))) as laboratory:
        yield laboratory


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_both_databases_agree(laboratory: Laboratory, on_sqlite: Laboratory, bound: Bound) -> None:
    """SQLite and PostgreSQL end with equal rows (spec 7, same on both stores)."""
    checks.both_databases_agree(on_sqlite, laboratory, bound(25))
