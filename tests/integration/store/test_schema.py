"""The schema's version: bringing a database to it, and refusing one that has another."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

import store.migrations
from store.engines import store_url as url_of
from store.engines import writer_engine
from store.errors import StoreOutdated, TransientError
from store.identity import pattern_id
from store.schema import REVISION, migrate
from store.tables import metadata
from store.transaction import Writer
from tests.integration.store.bench import NOW, Bench, sighting


def tables(url: str) -> set[str]:
    """The names of the tables in a database."""
    engine = writer_engine(url_of(url))
    with engine.begin() as connection:
        names = inspect(connection).get_table_names()
    engine.dispose()
    return set(names)


def execute(url: str, statement: str) -> None:
    """Run a statement in a database that may have no schema."""
    engine = writer_engine(url_of(url))
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def test_migrating_makes_every_table(store_url: str) -> None:
    """In a database that has none."""
    migrate(store_url)

    assert {*metadata.tables, "alembic_version"} == tables(store_url)


def test_migrating_again_keeps_what_is_there(bench: Bench) -> None:
    """It is safe at every start."""
    bench.apply(sighting())
    bench.writer.close()
    migrate(bench.url)

    assert 1 == bench.store.stats().patterns


def test_two_may_migrate_at_once(store_url: str) -> None:
    """The second waits, and finds nothing to do."""
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(migrate, [store_url] * 3))

    assert {*metadata.tables, "alembic_version"} == tables(store_url)


def test_a_migration_that_fails_leaves_nothing_behind(store_url: str) -> None:
    """It is one transaction."""
    execute(store_url, "CREATE TABLE recalculations (mine INTEGER)")
    with pytest.raises(TransientError, match="recalculations"):
        migrate(store_url)

    assert {"recalculations"} == tables(store_url)


def test_the_migrated_schema_is_the_declared_one(bench: Bench) -> None:
    """Tables, columns, types, nullability, indexes and keys."""
    with bench.transaction() as transaction:
        context = MigrationContext.configure(transaction.connection, opts={"compare_type": True})
        found = compare_metadata(context, metadata)

    assert [] == found


def test_the_newest_migration_is_the_version_that_is_asked_for() -> None:
    """There is one line of them."""
    scripts = ScriptDirectory(next(iter(store.migrations.__path__)))

    assert [REVISION] == scripts.get_heads()


def test_a_writer_makes_the_schema_in_an_empty_database(store_url: str) -> None:
    """So that a worker that is started first needs no other step."""
    with closing(Writer(store_url)) as writer:
        writer.open()

    assert {*metadata.tables, "alembic_version"} == tables(store_url)


def test_a_writer_refuses_another_version(bench: Bench) -> None:
    """Until it is migrated: then the same writer goes on."""
    bench.sql("UPDATE alembic_version SET version_num = '0000'")
    bench.writer.close()
    with pytest.raises(StoreOutdated, match="has schema 0000, this version needs 0001: run `ostinato migrate`"):
        bench.writer.open()

    execute(bench.url, "UPDATE alembic_version SET version_num = '0001'")
    bench.apply(sighting())
    assert 1 == bench.store.pattern(pattern_id("T", "n")).occurrence_count


def test_a_writer_refuses_somebody_elses_database(store_url: str) -> None:
    """It makes no tables beside those of others."""
    execute(store_url, "CREATE TABLE mine (x INTEGER)")
    with closing(Writer(store_url)) as writer, pytest.raises(StoreOutdated, match="has no schema yet"):
        writer.open()

    assert {"mine"} == tables(store_url)


def test_only_what_is_applied_is_in_a_new_store(bench: Bench) -> None:
    """The counters begin at nought."""
    with bench.transaction(NOW) as transaction:
        rows = transaction.connection.execute(text("SELECT name, value FROM counters ORDER BY name")).all()

    assert [("applied", 0), ("duplicates", 0), ("merges", 0)] == [tuple(row) for row in rows]
