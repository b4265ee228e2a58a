"""Stores for tests: as many as they need, empty and migrated, on each kind of database."""

import shutil
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from psycopg.sql import SQL, Identifier
from sqlalchemy import URL, make_url

from ostinato.sqlite_driver import sqlite_driver
from store.database.schema import migrate
from store.database.tables import counters, metadata
from tests.servers import postgresql

if TYPE_CHECKING:
    from psycopg import Connection

KINDS = ("sqlite", "postgresql")
_FILLED = [table.name for table in reversed(metadata.sorted_tables) if table is not counters]
_COUNTERS_AT_NOUGHT = "UPDATE counters SET value = 0;"


class Database(ABC):
    """One kind of database; a session has one of each."""

    kind: str

    @abstractmethod
    def new_database(self) -> str:
        """The URL of a new database without a schema; SQLite makes the file when it is first written to."""

    @abstractmethod
    def new_store(self) -> str:
        """The URL of a new, empty, migrated store: copied, because migrating costs more than most tests."""

    @abstractmethod
    def empty(self, url: str) -> None:
        """Bring such a store back to its empty state, fast, with connections to it open, none in a transaction."""

    @abstractmethod
    def drop(self, url: str) -> None:
        """Delete such a database, with whatever connections there are to it."""


class SqliteDatabase(Database):
    """Files in a folder."""

    kind = "sqlite"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count(1)
        self._migrated = folder / "migrated" / "store.db"
        migrate(f"sqlite:///{self._migrated}")

    def new_database(self) -> str:
        """The URL of a file that is not there yet, in a folder of its own."""
        folder = self._folder / str(next(self._numbers))
        folder.mkdir()
        return f"sqlite:///{folder}/store.db"

    def new_store(self) -> str:
        """A copy of a migrated file."""
        url = self.new_database()
        shutil.copy(self._migrated, _path(url))
        return url

    def empty(self, url: str) -> None:
        """Deletes every row."""
        statements = [f"DELETE FROM {name};" for name in _FILLED]  # noqa: S608 - tables of ours
        script = "\n".join(["PRAGMA synchronous=OFF;", "BEGIN IMMEDIATE;", *statements, _COUNTERS_AT_NOUGHT, "COMMIT;"])
        with closing(sqlite_driver().connect(_path(url), isolation_level=None)) as connection:
            connection.executescript(script)

    def drop(self, url: str) -> None:
        """Deletes the folder."""
        shutil.rmtree(_path(url).parent)


class PostgresqlDatabase(Database):
    """Databases of one server, each copied from a migrated one."""

    kind = "postgresql"

    def __init__(self, server: URL) -> None:
        self._server = server
        self._prefix = f"ostinato_test_{uuid4().hex[:12]}"
        self._numbers = count(1)
        self._admin = postgresql.connect(server)
        self._emptiers: dict[str, Connection] = {}
        self._names = {self._create("template0")}
        (self._migrated,) = self._names
        migrate(self._url(self._migrated))

    def new_database(self) -> str:
        """The URL of a database that has nothing."""
        return self._new("template0")

    def new_store(self) -> str:
        """A copy of a migrated database."""
        return self._new(self._migrated)

    def empty(self, url: str) -> None:
        """Truncates every table."""
        if url not in self._emptiers:
            self._emptiers[url] = postgresql.connect(make_url(url))
        tables = SQL(", ").join(map(Identifier, _FILLED))
        statements = SQL("BEGIN; TRUNCATE {} RESTART IDENTITY; {} COMMIT").format(tables, SQL(_COUNTERS_AT_NOUGHT))
        self._emptiers[url].execute(statements)

    def drop(self, url: str) -> None:
        """Drops the database."""
        if url in self._emptiers:
            self._emptiers.pop(url).close()
        self._drop(str(make_url(url).database))

    def close(self) -> None:
        """Drop what is left."""
        for connection in self._emptiers.values():
            connection.close()
        for name in tuple(self._names):
            self._drop(name)
        self._admin.close()

    def _new(self, template: str) -> str:
        name = self._create(template)
        self._names.add(name)
        return self._url(name)

    def _create(self, template: str) -> str:
        name = f"{self._prefix}_{next(self._numbers)}"
        self._admin.execute(SQL("CREATE DATABASE {} TEMPLATE {}").format(Identifier(name), Identifier(template)))
        return name

    def _drop(self, name: str) -> None:
        self._admin.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))
        self._names.discard(name)

    def _url(self, name: str) -> str:
        return self._server.set(database=name).render_as_string(hide_password=False)


@contextmanager
def database(kind: str, folder: Path) -> Generator[Database | None]:
    """The database of one of the KINDS, for as long as the block runs; None if this machine has none.

    ``folder`` is a new one for SQLite's files.
    """
    if kind == SqliteDatabase.kind:
        yield SqliteDatabase(folder)
        return
    server = postgresql.server()
    if server is None:
        yield None
        return
    with server, closing(PostgresqlDatabase(server.url)) as found:
        yield found


def versions() -> Iterator[str]:
    """One line for each kind of database: which it is, and its version."""
    driver = sqlite_driver()
    yield f"sqlite: {driver.sqlite_version} ({driver.__name__})"
    yield from postgresql.versions()


def _path(url: str) -> Path:
    return Path(str(make_url(url).database))
