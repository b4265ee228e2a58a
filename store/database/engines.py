"""Connections to the store: one that writes serially, others that only read."""

import math
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import structlog
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
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
from sqlalchemy.pool import ConnectionPoolEntry

from ostinato.errors import ConfigurationError
from ostinato.sqlite_driver import has_wal_reset_bug, sqlite_driver
from store.database.postgresql import is_for_people, is_refused_url, postgresql_reader, postgresql_writer
from store.errors import StoreUnavailable

SQLITE_BUSY_SECONDS = 5.0
_TURN_SECONDS = 0.005
# As large SQLite's log gets before its pages are copied into the file, each once, and as much of it is kept. While a
# reader lives, it grows by all that is written meanwhile.
LOG_BYTES = 16 * 1024 * 1024
_PAGE_BYTES = 4_096
_SQLITE_READER = ("PRAGMA query_only=ON", "PRAGMA cache_size=-32768")
_SQLITE_WRITER = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    # In KiB. With the default of 2 MB, a recalculation of many patterns reads every index page again and again.
    "PRAGMA cache_size=-65536",
    f"PRAGMA journal_size_limit={LOG_BYTES}",
    f"PRAGMA wal_autocheckpoint={LOG_BYTES // _PAGE_BYTES}",
)

# A table that others refer to can be made anew only if nobody looks at that before the end.
_SQLITE_MIGRATION = ("PRAGMA foreign_keys=OFF",)

# As in "write …", for those whose URL is none.
_WRITE = "write sqlite:///PATH or postgresql+psycopg://USER:PASSWORD@HOST/DATABASE"
# As in "see that …", for those whose store is unavailable.
_SEE_THAT = {
    "sqlite": "OSTINATO_STORE_URL, or OSTINATO_HOME, leads to the right file, that nobody holds it for long, and that "
    "its disk has room",
    "postgresql": "its server runs, and that OSTINATO_STORE_URL names it and a user who may work with it",
}
_ABOUT_A_STATEMENT = (DataError, IntegrityError, NotSupportedError, ProgrammingError)

_log = structlog.get_logger()


def store_url(text: str) -> URL:
    """The URL of a store: ``sqlite:///PATH`` or ``postgresql+psycopg://…``; ConfigurationError for any other."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        # The text may hold a password, so it is not repeated.
        raise ConfigurationError(f"That is not the URL of a store; {_WRITE}.") from None
    if url.get_backend_name() == "sqlite" and url.database not in {None, "", ":memory:"}:
        return url.set(drivername="sqlite")
    if url.get_backend_name() == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    raise ConfigurationError(f"{shown(url)} is no store this version knows; {_WRITE}.")


def shown(url: URL) -> str:
    """The URL as people may see it: without a password, and without what stands behind a question mark."""
    secret = dict.fromkeys(url.query, "***")
    return url.update_query_dict(secret).render_as_string(hide_password=True)


def writer_engine(url: URL) -> Engine:
    """An engine with one connection, kept open, whose every transaction begins by waiting for its turn."""
    if url.get_backend_name() != "sqlite":
        return postgresql_writer(url)
    engine = _sqlite_engine(url, pool_size=1, max_overflow=0)
    _make_folder(Path(url.database or ""))
    _on_connect(engine, _SQLITE_WRITER)
    _on_begin(engine, "BEGIN IMMEDIATE")
    return engine


def migrating_engine(url: URL) -> Engine:
    """The writer's engine, but for what it leaves to the migrations to check: references to rows."""
    engine = writer_engine(url)
    if url.get_backend_name() == "sqlite":
        _on_connect(engine, _SQLITE_MIGRATION)
    return engine


def reader_engine(url: URL) -> Engine:
    """An engine that cannot write; its transactions see one state and neither wait for the writer nor block it."""
    if url.get_backend_name() != "sqlite":
        return postgresql_reader(url)
    engine = _sqlite_engine(url, pool_size=5, max_overflow=5)
    _on_connect(engine, _SQLITE_READER)
    _on_begin(engine, "BEGIN")
    return engine


def exists(url: URL) -> bool:
    """False for an SQLite file that is not there; a server is asked only by connecting to it."""
    return url.get_backend_name() != "sqlite" or Path(url.database or "").is_file()


def file_of(url: URL) -> tuple[int, int] | None:
    """Which file is at an SQLite URL: another one has taken its place when this has changed. None where there is none.

    A connection goes on with the file that it opened, also when that was deleted: what it writes then is lost.
    """
    if url.get_backend_name() != "sqlite":
        return None
    try:
        found = Path(url.database or "").stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


@contextmanager
def trouble_is_transient(url: URL) -> Generator[None]:
    """Turn what a driver says of an absent, locked or full database into StoreUnavailable, with where and what to do.

    What it says of a statement stays as it is: that is a defect of ours, and waiting would not mend it.
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


def _make_folder(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"The store's folder {path.parent} cannot be made: {error.strerror}.") from None


def _sqlite_engine(url: URL, *, pool_size: int, max_overflow: int) -> Engine:
    driver = sqlite_driver()
    if has_wal_reset_bug(driver.sqlite_version_info):
        _log.warning("sqlite_can_corrupt_its_log", version=driver.sqlite_version, fixed_in="3.51.3")
    options = {"timeout": SQLITE_BUSY_SECONDS, "check_same_thread": False, "isolation_level": None}
    engine = create_engine(
        url, module=driver, connect_args=options, pool_size=pool_size, max_overflow=max_overflow, hide_parameters=True
    )
    event.listen(engine, "connect", _complete_mathematics)
    return engine


def _in_one_line(error: DBAPIError) -> str:
    return f"{type(error.orig).__name__}: {' '.join(str(error.orig).split()).rstrip('.')}"


def _on_connect(engine: Engine, statements: tuple[str, ...]) -> None:
    def prepare(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        deadline = monotonic() + SQLITE_BUSY_SECONDS
        for statement in statements:
            _execute_in_turn(cursor, statement, deadline)
        cursor.close()

    event.listen(engine, "connect", prepare)


def _execute_in_turn(cursor: DBAPICursor, statement: str, deadline: float) -> None:
    """Where several open a new file, SQLite itself does not wait for its turn to change the kind of its log."""
    while True:
        try:
            cursor.execute(statement)
        except sqlite_driver().OperationalError as error:
            if str(error) != "database is locked" or monotonic() >= deadline:
                raise
            sleep(_TURN_SECONDS)
        else:
            return


def _complete_mathematics(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    """Some builds of SQLite leave the functions out that the scores need."""
    for name, function, arguments in (("log10", math.log10, 1), ("power", math.pow, 2)):
        try:
            connection.execute(f"SELECT {name}({', '.join('1' * arguments)})")
        except connection.OperationalError:
            connection.create_function(name, arguments, function, deterministic=True)


def _on_begin(engine: Engine, statement: str) -> None:
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(statement)

    event.listen(engine, "begin", begin)
