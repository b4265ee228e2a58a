"""The schema's version: bringing a database to it, and refusing a database that has another."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, inspect, text

import store.database.migrations
from ostinato.errors import TransientError
from ostinato.identity import pattern_id
from ostinato.sqlite_driver import sqlite_driver
from store.database import sqlite
from store.database.engines import store_url as url_of
from store.database.engines import writer_engine
from store.database.schema import REVISION, migrate
from store.database.tables import metadata
from store.errors import StoreOutdated, StoreUnavailable
from store.writing.transaction import Writer
from tests.integration.store.bench import Bench, sighting

SCRIPTS = ScriptDirectory(next(iter(store.database.migrations.__path__)))
# What PostgreSQL has: indexes, constraints, and columns with their collation, numbering and comment.
_CATALOGUE = """
    SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL
    SELECT concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace
    UNION ALL
    SELECT concat_ws(
        ' ', attrelid::regclass, attname, format_type(atttypid, atttypmod), attnotnull, attidentity,
        (SELECT collname FROM pg_collation WHERE oid = attcollation), col_description(attrelid, attnum)
    ) FROM pg_attribute JOIN pg_class ON attrelid = pg_class.oid
    WHERE attnum > 0 AND relnamespace = 'public'::regnamespace AND relkind = 'r'
"""


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


def test_migrating_again_keeps_what_is_there(bench: Bench) -> None:
    """So it is safe at every start."""
    bench.apply(sighting())
    bench.writer.close()
    migrate(bench.url)

    assert 1 == bench.store.stats().patterns


def test_migrating_makes_every_table(store_url: str) -> None:
    """Also if several processes migrate at once: the others wait, and find nothing to do."""
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(migrate, [store_url] * 3))

    assert {*metadata.tables, "alembic_version"} == tables(store_url)


def test_several_may_make_a_file_at_once(tmp_path: Path) -> None:
    """SQLite refuses some connections that change the kind of a new file's log at once: here 44 of 3,600."""
    with ThreadPoolExecutor(4) as pool:
        for number in range(100):
            engines = [writer_engine(url_of(f"sqlite:///{tmp_path / str(number)}")) for _ in range(4)]
            for engine, begun in [(each, pool.submit(each.connect)) for each in engines]:
                begun.result().close()
                engine.dispose()


def test_a_new_file_waits_for_its_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another connection reads the file, SQLite refuses to change the kind of its log."""
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.01)
    monkeypatch.setattr(sqlite, "monotonic", float)
    path, waited = tmp_path / "store.db", 0
    with closing(sqlite_driver().connect(path, isolation_level=None)) as other:
        other.execute("CREATE TABLE looked_at (column)")
        other.execute("BEGIN")
        other.execute("SELECT * FROM looked_at").fetchall()

        def wait(_seconds: float) -> None:
            nonlocal waited
            waited += 1
            other.rollback()

        monkeypatch.setattr(sqlite, "sleep", wait)
        engine = writer_engine(url_of(f"sqlite:///{path}"))
        engine.connect().close()
        engine.dispose()
    assert 1 == waited


def test_a_migration_that_fails_leaves_nothing_behind(store_url: str) -> None:
    """A migration is one transaction."""
    execute(store_url, "CREATE TABLE recalculations (mine INTEGER)")
    execute(store_url, "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
    with pytest.raises(TransientError, match="recalculations"):
        migrate(store_url)

    assert {"recalculations", "alembic_version"} == tables(store_url)


def test_the_migrated_schema_is_the_declared_one(bench: Bench) -> None:
    """Tables, columns, types, nullability, indexes, keys and comments, as Alembic sees them."""
    with bench.transaction() as transaction:
        context = MigrationContext.configure(transaction.connection, opts={"compare_type": True})
        found = compare_metadata(context, metadata)

    assert [] == found


def test_the_migrated_schema_is_the_declared_one_in_the_databases_own_words(bench: Bench, store_url: str) -> None:
    """Including directions in indexes, collations and numbering, which Alembic does not compare."""
    engine = writer_engine(url_of(store_url))
    with engine.begin() as connection:
        metadata.create_all(connection)
        declared = catalogue(connection)
    engine.dispose()
    with bench.transaction() as transaction:
        migrated = catalogue(transaction.connection)

    assert declared == migrated


def catalogue(connection: Connection) -> set[str]:
    """The schema as the database describes it, without the table of the version."""
    if connection.dialect.name == "sqlite":
        lines = connection.execute(text("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")).scalars()
    else:
        lines = connection.exec_driver_sql(_CATALOGUE).scalars()
    # SQLite puts the name of a table that was renamed in quotation marks.
    return {
        " ".join(line.replace('TABLE "patterns"', "TABLE patterns").split()) for line in lines if "alembic" not in line
    }


def test_the_newest_migration_is_the_version_that_is_asked_for() -> None:
    """There is one line of migrations, and its end is the version that the store needs."""
    assert [REVISION] == SCRIPTS.get_heads()


@pytest.mark.parametrize("revision", [each.revision for each in SCRIPTS.walk_revisions()])
def test_an_upgrade_keeps_the_data(store_url: str, revision: str) -> None:
    """From every revision, in every table (spec 7)."""
    before = filled(store_url, revision)
    assert all(before.values())

    migrate(store_url)
    engine = writer_engine(url_of(store_url))
    with engine.begin() as connection:
        after = contents(connection)
    engine.dispose()
    assert {REVISION} == {row["version_num"] for row in after.pop("alembic_version")}
    before.pop("alembic_version")
    for name, rows in before.items():
        assert rows == [{column: row[column] for column in old} for old, row in zip(rows, after[name], strict=True)]


def test_a_damaged_store_is_not_upgraded(tmp_path: Path) -> None:
    """The sentence says why, and the store stays as it was: here rows refer to a pattern that is missing."""
    url = f"sqlite:///{tmp_path}/store.db"
    filled(url, "0003")
    with closing(sqlite_driver().connect(tmp_path / "store.db", isolation_level=None)) as careless:
        careless.execute("DELETE FROM patterns")
    with pytest.raises(StoreUnavailable, match="refer to patterns that are not there"):
        migrate(url)
    with closing(Writer(url)) as writer, pytest.raises(StoreOutdated, match="has schema 0003"):
        writer.open()


def filled(url: str, revision: str) -> dict[str, list[dict[str, object]]]:
    """Make a store of this revision with a row more in every table, whose numbers and texts are 1; its contents."""
    engine = writer_engine(url_of(url))
    config, found = Config(), MetaData()
    config.set_main_option("script_location", SCRIPTS.dir)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        found.reflect(connection)
        for table in found.sorted_tables:
            if table.name != "alembic_version":
                row = {column.name: column.type.python_type(1) for column in table.columns}
                connection.execute(table.insert(), row)
        rows = contents(connection)
    engine.dispose()
    return rows


def contents(connection: Connection) -> dict[str, list[dict[str, object]]]:
    """Every row of every table, in the order of the keys."""
    found = MetaData()
    found.reflect(connection)
    chosen = {table.name: table.select().order_by(*table.primary_key.columns) for table in found.sorted_tables}
    return {name: [dict(row) for row in connection.execute(rows).mappings()] for name, rows in chosen.items()}


def test_a_writer_makes_the_schema_in_an_empty_database(store_url: str) -> None:
    """So a worker that starts first needs no other step."""
    with closing(Writer(store_url)) as writer:
        writer.open()

    assert {*metadata.tables, "alembic_version"} == tables(store_url)


def test_a_writer_refuses_another_version(bench: Bench) -> None:
    """Until the store is migrated: then the same writer goes on."""
    bench.sql("UPDATE alembic_version SET version_num = '0000'")
    bench.writer.close()
    with pytest.raises(StoreOutdated, match=f"has schema 0000, this version needs {REVISION}: run `ostinato migrate`"):
        bench.writer.open()

    execute(bench.url, f"UPDATE alembic_version SET version_num = '{REVISION}'")  # noqa: S608 - it is our own
    bench.apply(sighting())
    assert 1 == bench.store.pattern(pattern_id("T", "n")).occurrence_count


def test_a_writer_refuses_the_database_of_another_application(store_url: str) -> None:
    """It adds no tables to it."""
    execute(store_url, "CREATE TABLE mine (x INTEGER)")
    with (
        closing(Writer(store_url)) as writer,
        pytest.raises(StoreOutdated, match=r"has no schema yet|another application's"),
    ):
        writer.open()

    assert {"mine"} == tables(store_url)


def test_a_file_of_another_application_stays_as_it_is(tmp_path: Path) -> None:
    """To the last byte, for migrations as for a writer: the mistake is in the URL."""
    file = tmp_path / "theirs.db"
    url = f"sqlite:///{file}"
    with closing(sqlite_driver().connect(file)) as connection:
        connection.execute("CREATE TABLE users (x INTEGER)")
    before = file.read_bytes()
    with pytest.raises(StoreOutdated, match=r"another application's: give the store one of its own"):
        migrate(url)
    with closing(Writer(url)) as writer, pytest.raises(StoreOutdated, match="another application's"):
        writer.open()
    assert before == file.read_bytes()
    assert [file] == list(tmp_path.iterdir())
