"""Connections to the store: one that writes serially, others that only read."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Engine, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
    ResourceClosedError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ostinato.errors import ConfigurationError
from store.database.postgresql import is_for_people, is_refused_url, postgresql_reader, postgresql_writer
from store.database.sqlite import sqlite_reader, sqlite_writer
from store.errors import StoreUnavailable

# Ends a sentence of an error about a URL that names no store.
_WRITE = "write sqlite:///PATH or postgresql+psycopg://USER:PASSWORD@HOST/DATABASE"
# Ends a sentence of an error about an unavailable store: "see that …".
_SEE_THAT = {
    "sqlite": "OSTINATO_STORE_URL, or OSTINATO_HOME, leads to the right file, that no process locks it for long, and "
    "that its disk has room",
    "postgresql": "its server runs, and that OSTINATO_STORE_URL names it and a user who may work with it",
}
_ABOUT_A_STATEMENT = (DataError, IntegrityError, NotSupportedError, ProgrammingError)


def store_url(text: str) -> URL:
    """The URL of a store: ``sqlite:///PATH`` or ``postgresql+psycopg://…``; ConfigurationError for any other."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        # The text may hold a password, so it is not repeated.
        raise ConfigurationError(f"That is not the URL of a store; {_WRITE}.") from None
    if is_sqlite(url) and url.database not in {None, "", ":memory:"}:
        return url.set(drivername="sqlite")
    if url.get_backend_name() == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    raise ConfigurationError(f"{shown(url)} is not the URL of a store; {_WRITE}.")


def shown(url: URL) -> str:
    """The URL as people may see it: without the password and without the values behind the question mark."""
    secret = dict.fromkeys(url.query, "***")
    return url.update_query_dict(secret).render_as_string(hide_password=True)


def is_sqlite(url: URL) -> bool:
    """Whether the store is an SQLite file; else it is a PostgreSQL database."""
    return url.get_backend_name() == "sqlite"


def writer_engine(url: URL) -> Engine:
    """An engine with one connection, kept open, whose every transaction begins by waiting for its turn."""
    return sqlite_writer(url) if is_sqlite(url) else postgresql_writer(url)


def migrating_engine(url: URL) -> Engine:
    """An engine for migrations: the writer's, but SQLite leaves references between rows to them to check."""
    return sqlite_writer(url, migrating=True) if is_sqlite(url) else postgresql_writer(url)


def reader_engine(url: URL) -> Engine:
    """An engine that cannot write; its transactions see one state each and neither wait for the writer nor block it."""
    return sqlite_reader(url) if is_sqlite(url) else postgresql_reader(url)


def exists(url: URL) -> bool:
    """False if the SQLite file is missing; always True for a server, which is asked only by connecting to it."""
    return not is_sqlite(url) or Path(url.database or "").is_file()


def file_of(url: URL) -> tuple[int, int] | None:
    """Device and inode of the SQLite file; None if it is missing, and for a server.

    A changed value means that the file was replaced. A connection goes on with the file that it opened, even after
    that file was deleted: what it writes then is lost.
    """
    if not is_sqlite(url):
        return None
    try:
        found = Path(url.database or "").stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


@contextmanager
def trouble_is_transient(url: URL) -> Generator[None]:
    """Turn a driver's error about an absent, locked or full database into StoreUnavailable; it says what to do.

    An error about a statement stays as it is: it is a defect of this program, and the same call would fail again.
    """
    try:
        yield
    except DBAPIError as error:
        if is_refused_url(error):
            raise ConfigurationError(f"The store's URL cannot be used: {_in_one_line(error)}.") from error
        if isinstance(error, _ABOUT_A_STATEMENT) and not is_for_people(error):
            raise
        raise StoreUnavailable(_unavailable(url, _in_one_line(error))) from error
    except (PoolTimeout, ResourceClosedError, MemoryError) as error:
        raise StoreUnavailable(_unavailable(url, f"{type(error).__name__}: {error}")) from error


def _unavailable(url: URL, reason: str) -> str:
    return f"The store at {shown(url)} is unavailable ({reason}): see that {_SEE_THAT[url.get_backend_name()]}."


def _in_one_line(error: DBAPIError) -> str:
    return f"{type(error.orig).__name__}: {' '.join(str(error.orig).split()).rstrip('.')}"
