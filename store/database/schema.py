"""The schema's version: bringing a database to it, and refusing a database that has another."""

from importlib.resources import files
from typing import TYPE_CHECKING

from sqlalchemy import URL, Connection, Engine, inspect, text

from store.database.engines import exists, migrating_engine, reader_engine, shown, store_url, trouble_is_transient
from store.errors import StoreOutdated

if TYPE_CHECKING:
    from alembic.config import Config

REVISION = "0005"


def migrate(url: str) -> None:
    """Bring the database at ``url`` to this version's schema; creates an SQLite file and its folder.

    One transaction: two calls at once, or a crash in the middle, leave nothing half done.
    """
    address = store_url(url)
    with trouble_is_transient(address):
        require_no_others(address)
    engine = migrating_engine(address)
    try:
        with trouble_is_transient(address), engine.begin() as connection:
            _require_known(connection, address)
            _upgrade(connection)
    finally:
        engine.dispose()


def require_there(url: URL) -> None:
    """StoreOutdated if the SQLite file is missing; a server is asked only by connecting to it."""
    if not exists(url):
        raise StoreOutdated(f"There is no store at {shown(url)} yet: run `ostinato up` or `ostinato migrate`.")


def require_no_others(url: URL) -> None:
    """StoreOutdated if the SQLite file has another application's tables; the file is not changed.

    Opening it as the writer does would change the kind of its log, for that application too.
    """
    if url.get_backend_name() != "sqlite" or not exists(url):
        return
    engine = reader_engine(url)
    try:
        with engine.connect() as connection:
            found = inspect(connection).get_table_names()
            if found and "alembic_version" not in found:
                raise StoreOutdated(
                    f"The file at {shown(url)} is another application's: give the store one of its own."
                )
    finally:
        engine.dispose()


def require_current(engine: Engine) -> None:
    """Create the schema in an empty database; StoreOutdated if it has any other than this version's."""
    with engine.begin() as connection:
        if not inspect(connection).get_table_names():
            _upgrade(connection)
        check_revision(connection, engine.url)


def check_revision(connection: Connection, url: URL) -> None:
    """StoreOutdated, with what to do, unless the schema is this version's."""
    found = _revision(connection)
    if found != REVISION:
        state = f"has schema {found}" if found else "has no schema yet"
        raise StoreOutdated(
            f"The store at {shown(url)} {state}, this version needs {REVISION}: run `ostinato migrate`."
        )


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _require_known(connection: Connection, url: URL) -> None:
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - readers never migrate, and must not wait for the import

    found = _revision(connection)
    known = {script.revision for script in ScriptDirectory.from_config(_config(connection)).walk_revisions()}
    if found is not None and found not in known:
        raise StoreOutdated(
            f"The store at {shown(url)} has schema {found}, which this version does not know: use a later one."
        )


def _upgrade(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - see above

    command.upgrade(_config(connection), "head")


def _config(connection: Connection) -> "Config":
    from alembic.config import Config  # noqa: PLC0415 - see above

    config = Config()
    config.set_main_option("script_location", str(files("store.database") / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
