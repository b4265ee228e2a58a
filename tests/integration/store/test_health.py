"""Whether a store can be used, found out without changing it."""

from collections.abc import Generator
from contextlib import closing, contextmanager

import pytest
from sqlalchemy import make_url

from ostinato.sqlite_driver import sqlite_driver
from store.database.health import require_healthy
from store.database.tables import patterns
from store.errors import StoreOutdated, StoreUnavailable
from tests.integration.store.bench import Bench, sighting
from tests.integration.store.test_postgresql import set_default
from tests.integration.store.test_schema import execute, tables


@contextmanager
def locked(url: str) -> Generator[None]:
    """Another program writes to an SQLite store for as long as the block lasts."""
    # By the same library as the store's: two in one process would not see each other's locks.
    with closing(sqlite_driver().connect(str(make_url(url).database), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


def test_a_store_that_can_be_used_is_healthy(bench: Bench) -> None:
    """Also while a writer has it open, which goes on."""
    bench.apply(sighting("one"))
    require_healthy(bench.url)
    bench.apply(sighting("other"))

    assert 2 == len(bench.rows(patterns))


def test_a_database_without_a_schema_is_not_a_store(store_url: str) -> None:
    """It is left as it is."""
    with pytest.raises(StoreOutdated, match="run `ostinato"):
        require_healthy(store_url)
    assert set() == tables(store_url)


def test_a_store_of_another_version_is_not_healthy(bench: Bench) -> None:
    """The sentence names the version that it has."""
    execute(bench.url, "UPDATE alembic_version SET version_num = '0000'")
    with pytest.raises(StoreOutdated, match="has schema 0000"):
        require_healthy(bench.url)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_store_that_is_locked_for_long_is_not_healthy(bench: Bench) -> None:
    """A writer would not have its turn."""
    with locked(bench.url), pytest.raises(StoreUnavailable, match="locked"):
        require_healthy(bench.url)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_store_that_can_only_be_read_is_not_healthy(bench: Bench) -> None:
    """Like a replica, or a database that is set to be read only."""
    set_default(bench, "default_transaction_read_only", "on")
    with pytest.raises(StoreUnavailable, match="can only be read"):
        require_healthy(bench.url)
