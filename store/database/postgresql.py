"""Connections to PostgreSQL, and what is special about it."""

from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, NoSuchModuleError, ProgrammingError
from sqlalchemy.pool import ConnectionPoolEntry

from ostinato.errors import ConfigurationError
from store.database.locks import take_turn

# A writer that stops in the middle of a transaction loses it after this time, and the next writer has its turn.
IDLE_SECONDS = 60.0
# What the URL says takes precedence. With these, a dead network is noticed after half a minute; without, after hours.
_CONNECTING = {
    "connect_timeout": "4",
    "fallback_application_name": "ostinato",
    "keepalives_idle": "15",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}
_UNSAFE = ("synchronous_commit", "off")
# Rights, tables or columns that are missing or conflict: people have to put that right.
_FOR_PEOPLE = frozenset({"42501", "42P01", "42703", "42P07", "3F000"})


def postgresql_writer(url: URL) -> Engine:
    """An engine with one connection, whose every transaction begins by waiting for its turn."""
    # Not the server's default: a snapshot from before the writer has its turn would be stale.
    engine = _engine(url, pool_size=1, max_overflow=0).execution_options(isolation_level="READ COMMITTED")

    def prepare(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        cursor.execute(f"SET idle_in_transaction_session_timeout = {round(IDLE_SECONDS * 1000)}")
        # If a server does not wait for its disk, a power cut loses messages that the broker has already dropped.
        cursor.execute(
            "SELECT set_config(name, 'on', false) FROM pg_settings WHERE (name, setting) = (%s, %s)", _UNSAFE
        )
        cursor.close()
        connection.commit()

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", take_turn)
    return engine


def postgresql_reader(url: URL) -> Engine:
    """An engine that cannot write; each of its transactions sees one state."""
    engine = _engine(url, pool_size=5, max_overflow=5)
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def is_for_people(error: DBAPIError) -> bool:
    """Whether something is wrong with the database, not with the statement that it refuses."""
    return getattr(error.orig, "sqlstate", None) in _FOR_PEOPLE


def is_refused_url(error: DBAPIError) -> bool:
    """Whether the driver refuses to connect because of what the URL says."""
    before_any_statement = error.statement is None and getattr(error.orig, "sqlstate", None) is None
    return isinstance(error, ProgrammingError) and before_any_statement


def _engine(url: URL, *, pool_size: int, max_overflow: int) -> Engine:
    try:
        return create_engine(
            url,
            pool_size=pool_size,
            max_overflow=max_overflow,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={name: value for name, value in _CONNECTING.items() if name not in url.query},
        )
    except (NoSuchModuleError, ModuleNotFoundError):
        raise ConfigurationError("PostgreSQL needs its driver: pip install 'ostinato[postgres]'.") from None
