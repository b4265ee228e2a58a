"""Whether a store can be used, found out without changing it."""

from sqlalchemy import Connection, text

from store.database.engines import is_sqlite, reader_engine, shown, store_url, trouble_is_transient, writer_engine
from store.database.schema import check_revision, require_there
from store.errors import StoreUnavailable

# A replica, a read-only database and a user without rights answer queries, too.
_WRITABLE = text(
    "SELECT NOT pg_is_in_recovery() AND current_setting('default_transaction_read_only') = 'off'"
    " AND has_table_privilege('inbox', 'INSERT')"
)


def require_healthy(url: str) -> None:
    """StoreUnavailable or StoreOutdated unless the store answers, has this schema and can be written to.

    On SQLite it waits for its turn, as a writer does; on PostgreSQL it answers at once, without a lock.
    """
    address = store_url(url)
    require_there(address)
    serial = is_sqlite(address)
    engine = writer_engine(address) if serial else reader_engine(address)
    try:
        with trouble_is_transient(address), engine.connect() as connection:
            check_revision(connection, address)
            if not (serial or _writable(connection)):
                raise StoreUnavailable(f"The store at {shown(address)} can only be read: let its user write.")
    finally:
        engine.dispose()


def _writable(connection: Connection) -> bool:
    return bool(connection.execute(_WRITABLE).scalar())
