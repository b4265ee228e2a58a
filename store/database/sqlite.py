"""Connections to SQLite, and what is special about it."""

import math
from pathlib import Path
from time import monotonic, sleep

import structlog
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
from sqlalchemy.pool import ConnectionPoolEntry

from ostinato.errors import ConfigurationError
from ostinato.sqlite_driver import has_wal_reset_bug, sqlite_driver

BUSY_SECONDS = 5.0
_RETRY_SECONDS = 0.005
# The size at which SQLite copies the pages of its log into the file, each page once; this much of the log is kept. As
# long as a reader's transaction lasts, the log grows by everything that is written.
LOG_BYTES = 16 * 1024 * 1024
_PAGE_BYTES = 4_096
_READER = ("PRAGMA query_only=ON", "PRAGMA cache_size=-32768")
_WRITER = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    # In KiB. With the default of 2 MB, a recalculation of many patterns reads every index page again and again.
    "PRAGMA cache_size=-65536",
    f"PRAGMA journal_size_limit={LOG_BYTES}",
    f"PRAGMA wal_autocheckpoint={LOG_BYTES // _PAGE_BYTES}",
)
# A migration can replace a table that others refer to only if SQLite does not check the references before the end.
_MIGRATION = (*_WRITER, "PRAGMA foreign_keys=OFF")

_log = structlog.get_logger()


def sqlite_writer(url: URL, *, migrating: bool = False) -> Engine:
    """An engine with one connection, whose every transaction begins by waiting for its turn; makes the folder.

    With ``migrating``, references between rows are left for the migrations to check.
    """
    folder = Path(url.database or "").parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"The store's folder {folder} cannot be made: {error.strerror}.") from None
    settings = _MIGRATION if migrating else _WRITER
    return _engine(url, pool_size=1, max_overflow=0, settings=settings, begin="BEGIN IMMEDIATE")


def sqlite_reader(url: URL) -> Engine:
    """An engine that cannot write; each of its transactions sees one state."""
    return _engine(url, pool_size=5, max_overflow=5, settings=_READER, begin="BEGIN")


def _engine(url: URL, *, pool_size: int, max_overflow: int, settings: tuple[str, ...], begin: str) -> Engine:
    driver = sqlite_driver()
    if has_wal_reset_bug(driver.sqlite_version_info):
        _log.warning("sqlite_can_corrupt_its_log", version=driver.sqlite_version, fixed_in="3.51.3")
    options = {"timeout": BUSY_SECONDS, "check_same_thread": False, "isolation_level": None}
    engine = create_engine(
        url, module=driver, connect_args=options, pool_size=pool_size, max_overflow=max_overflow, hide_parameters=True
    )

    def prepare(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        _complete_mathematics(connection)
        cursor = connection.cursor()
        deadline = monotonic() + BUSY_SECONDS
        for statement in settings:
            _execute_in_turn(cursor, statement, deadline)
        cursor.close()

    def begin_transaction(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", begin_transaction)
    return engine


def _execute_in_turn(cursor: DBAPICursor, statement: str, deadline: float) -> None:
    """Where several processes open a new file, SQLite does not wait by itself to change the kind of its log."""
    while True:
        try:
            cursor.execute(statement)
        except sqlite_driver().OperationalError as error:
            if str(error) != "database is locked" or monotonic() >= deadline:
                raise
            sleep(_RETRY_SECONDS)
        else:
            return


def _complete_mathematics(connection: DBAPIConnection) -> None:
    """Define the functions that the scores need and some builds of SQLite lack."""
    for name, function, arguments in (("log10", math.log10, 1), ("power", math.pow, 2)):
        try:
            connection.execute(f"SELECT {name}({', '.join('1' * arguments)})")
        except connection.OperationalError:
            connection.create_function(name, arguments, function, deterministic=True)
