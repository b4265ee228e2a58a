"""Connections to the store (spec sections 5, 7 and 8), and what is special about SQLite's."""

import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import URL, Engine, event, text
from sqlalchemy.exc import DBAPIError
from structlog.testing import capture_logs

import ostinato.sqlite_driver
import store.database.sqlite
from ostinato.errors import ConfigurationError
from ostinato.sqlite_driver import has_wal_reset_bug, sqlite_driver
from store.database.engines import exists, reader_engine, store_url, trouble_is_transient, writer_engine
from store.database.schema import migrate
from store.errors import StoreUnavailable
from store.reading.store import Store
from store.writing.transaction import Writer
from tests.integration.store.bench import NOW


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The path of an SQLite store that does not exist yet."""
    return tmp_path / "store.db"


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("sqlite:///store.db", "sqlite:///store.db"),
        ("sqlite:////var/store.db", "sqlite:////var/store.db"),
        ("sqlite+pysqlite:////var/store.db", "sqlite:////var/store.db"),
        ("postgresql://u:p@host/db", "postgresql+psycopg://u:p@host/db"),
        ("postgresql+psycopg://host/db", "postgresql+psycopg://host/db"),
        ("postgresql+psycopg2://host/db", "postgresql+psycopg://host/db"),
    ],
)
def test_a_store_is_sqlite_or_postgresql(given: str, meant: str) -> None:
    """Each kind of URL leads to one driver."""
    assert meant == store_url(given).render_as_string(hide_password=False)


@pytest.mark.parametrize(
    "given",
    [
        "",
        "store.db",
        "sqlite://",
        "sqlite:///:memory:",
        "mysql://u:s3cret@host/db",
        "mysql://host/db?password=s3cret",
        "postgresql//u:s3cret@host/db",
        "postgresql://u:s3cret@host:port/db",
        "redis://localhost",
    ],
)
def test_any_other_url_is_refused(given: str) -> None:
    """The sentence shows what to write, and no password."""
    with pytest.raises(ConfigurationError, match="write sqlite:///PATH") as refused:
        store_url(given)
    assert "s3cret" not in str(refused.value)


def test_a_writer_loses_nothing_on_power_loss(path: Path) -> None:
    """Every commit is on the disk before the broker is told, and keys are checked (spec 7, exactly once)."""
    engine = writer_engine(store_url(f"sqlite:///{path}"))
    with engine.begin() as connection:
        values = [
            connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    engine.dispose()

    assert ["wal", 2, 1] == values


def test_a_writers_transaction_begins_with_its_turn(path: Path) -> None:
    """A second transaction cannot even begin, so none of its reads is stale (spec 7, serial)."""
    engine, driver = writer_engine(store_url(f"sqlite:///{path}")), sqlite_driver()
    other = driver.connect(path, timeout=0, isolation_level=None)
    with closing(other), engine.begin(), pytest.raises(driver.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")
    engine.dispose()


@pytest.mark.parametrize("name", ["with space", "100%", "a%20b", "ünï", "question?", "hash#", "plus+"])
def test_a_path_may_have_any_name(tmp_path: Path, name: str) -> None:
    """The URL has an escape for each character that it cannot hold."""
    path = tmp_path / name / "store.db"
    url = f"sqlite:///{quote(str(path))}"
    migrate(url)

    assert path.is_file()
    assert exists(store_url(url))
    with Store(url) as reader:
        assert 0 == reader.stats().patterns


def test_a_stores_folder_is_made(tmp_path: Path) -> None:
    """If it is missing; `exists` is False for a missing SQLite file, and True for any server."""
    url = f"sqlite:///{tmp_path}/a/b/store.db"
    assert not exists(store_url(url))
    migrate(url)

    assert exists(store_url(url))
    assert exists(store_url("postgresql://nowhere.invalid/db"))


def test_a_folder_that_cannot_be_made_is_a_wrong_setting(tmp_path: Path) -> None:
    """It is an error of configuration: to wait would not help."""
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(ConfigurationError, match="cannot be made"):
        migrate(f"sqlite:///{tmp_path}/file/below/store.db")


def test_a_file_that_is_no_database_is_trouble(path: Path) -> None:
    """For reader and writer: messages wait until people replace the file."""
    path.write_text("words, not a database\n" * 500)
    url = f"sqlite:///{path}"
    with closing(Writer(url)) as writer, pytest.raises(StoreUnavailable, match="not a database"):
        writer.open()
    with Store(url) as reader, pytest.raises(StoreUnavailable, match="not a database"):
        reader.stats()


def test_a_damaged_database_is_trouble(path: Path) -> None:
    """Messages wait: the damage is not taken for a defect of a message (spec 7, exactly once)."""
    url = f"sqlite:///{path}"
    migrate(url)
    data = path.read_bytes()
    path.write_bytes(data[:4096] + b"Z" * (len(data) - 4096))

    with closing(Writer(url)) as writer, pytest.raises(StoreUnavailable):
        writer.open()


def test_a_store_that_is_locked_is_trouble(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the time that SQLite waits for a lock."""
    monkeypatch.setattr(store.database.sqlite, "BUSY_SECONDS", 0.01)
    url = f"sqlite:///{path}"
    migrate(url)
    with closing(Writer(url)) as one, closing(Writer(url)) as other:
        other.open()
        with one.transaction(lambda: NOW), pytest.raises(StoreUnavailable, match="locked"):
            write_nothing(other)
        write_nothing(other)


def test_a_new_file_that_others_hold_is_trouble(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite does not wait for this lock; once the file is free, the same writer can use it."""
    monkeypatch.setattr(store.database.sqlite, "BUSY_SECONDS", 0.1)
    with closing(Writer(f"sqlite:///{path}")) as writer:
        with closing(sqlite_driver().connect(path, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            with pytest.raises(StoreUnavailable, match="locked"):
                writer.open()
        writer.open()


def write_nothing(writer: Writer) -> None:
    """A transaction that only waits for its turn."""
    with writer.transaction(lambda: NOW):
        pass


def test_trouble_with_a_statement_is_a_defect(path: Path) -> None:
    """It is raised as it is: to wait would not help."""
    engine = writer_engine(store_url(f"sqlite:///{path}"))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE one (x INTEGER NOT NULL)"))
        with pytest.raises(DBAPIError), trouble_is_transient(engine.url):
            connection.execute(text("INSERT INTO one VALUES (NULL)"))
    engine.dispose()


def test_memory_that_is_short_is_trouble() -> None:
    """To wait may help, and no message is the cause."""
    url = store_url("sqlite:///store.db")
    with pytest.raises(StoreUnavailable, match="MemoryError"), trouble_is_transient(url):
        bytes(2**62)


@pytest.mark.parametrize("make", [writer_engine, reader_engine])
def test_a_build_of_sqlite_without_mathematics_serves(path: Path, make: Callable[[URL], Engine]) -> None:
    """The functions that the scores need are defined, for the writer and for readers."""
    engine = make(store_url(f"sqlite:///{path}"))

    def leave_out(connection: Any, _: object) -> None:  # noqa: ANN401 - as untyped as SQLAlchemy's events
        for name, arguments in (("log10", 1), ("power", 2)):
            connection.create_function(name, arguments, None)

    event.listen(engine, "connect", leave_out, insert=True)
    with engine.connect() as connection:
        assert (3.0, 8.0) == tuple(connection.execute(text("SELECT log10(1000), power(2, 3)")).one())
    engine.dispose()


@pytest.mark.parametrize(
    ("version", "bug"),
    [
        ((3, 6, 23), False),
        ((3, 7, 0), True),
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 45, 0), True),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 53, 0), False),
        ((4, 0, 0), False),
    ],
)
def test_versions_that_can_corrupt_their_log_are_known(version: tuple[int, int, int], *, bug: bool) -> None:
    """From 3.7.0 to 3.51.2, except two versions with the fix."""
    assert bug == has_wal_reset_bug(version)


@pytest.mark.parametrize("bug", [True, False])
def test_such_a_version_is_logged_as_a_warning(path: Path, monkeypatch: pytest.MonkeyPatch, *, bug: bool) -> None:
    """Once for each engine, with the version that has the fix."""
    monkeypatch.setattr(ostinato.sqlite_driver, "_WAL_RESET_BUG", ((0,), (99,) if bug else (0,)))
    with capture_logs() as logs:
        writer_engine(store_url(f"sqlite:///{path}")).dispose()

    expected = [{"event": "sqlite_can_corrupt_its_log", "log_level": "warning", "fixed_in": "3.51.3"}]
    assert (expected if bug else []) == [{key: each[key] for key in expected[0]} for each in logs]


def test_pythons_own_sqlite_serves_where_the_bundled_one_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bundled SQLite has no wheel for some machines."""
    monkeypatch.setitem(sys.modules, "pysqlite3.dbapi2", None)

    assert sqlite3 is sqlite_driver()


def test_a_url_that_postgresql_refuses_is_a_wrong_setting() -> None:
    """It is an error of configuration: to wait would not help."""
    with Store("postgresql://127.0.0.1/db?colour=red") as reader, pytest.raises(ConfigurationError, match="colour"):
        reader.stats()


def test_a_missing_driver_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL's driver is optional."""
    monkeypatch.setitem(sys.modules, "psycopg", None)

    with pytest.raises(ConfigurationError, match=r"pip install 'ostinato\[postgres\]'"):
        writer_engine(store_url("postgresql://localhost/db"))
