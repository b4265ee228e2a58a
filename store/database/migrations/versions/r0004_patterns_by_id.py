"""SQLite keeps patterns in the order of their ids, in which they are recalculated; PostgreSQL has no such choice."""

from alembic import op

from store.errors import StoreUnavailable

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Replace SQLite's table by one without row numbers, which keeps its rows in the order of their keys."""
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        return
    written = "SELECT sql FROM sqlite_master WHERE tbl_name = 'patterns' AND sql IS NOT NULL AND type = "
    table = connection.exec_driver_sql(f"{written} 'table'").scalar_one()
    indexes = connection.exec_driver_sql(f"{written} 'index'").scalars().all()
    for statement in (
        # The new table has another name first: renaming the old one would change what refers to it.
        f"{table.replace('patterns', 'patterns_by_id', 1)} WITHOUT ROWID",
        "INSERT INTO patterns_by_id SELECT * FROM patterns ORDER BY id",
        "DROP TABLE patterns",
        "ALTER TABLE patterns_by_id RENAME TO patterns",
        *indexes,
    ):
        connection.exec_driver_sql(statement)
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    if broken:
        raise StoreUnavailable(f"The store is damaged: {len(broken)} rows refer to patterns that are not there.")
