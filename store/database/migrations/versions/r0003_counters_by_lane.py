"""Counters in parts, one for each lane, so that no lane waits for another lane's commit."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_KEY = ("name", "lane")


def upgrade() -> None:
    """Give lane 0 everything that was counted so far."""
    if op.get_bind().dialect.name == "sqlite":
        _replace()
    else:
        _widen()


def _widen() -> None:
    """Change the table in place, so that readers keep their rights."""
    op.add_column("counters", sa.Column("lane", sa.Integer(), nullable=False, server_default="0"))
    op.alter_column("counters", "lane", server_default=None)
    op.drop_constraint("pk_counters", "counters", type_="primary")
    op.create_primary_key("pk_counters", "counters", list(_KEY))


def _replace() -> None:
    """Replace the table: SQLite cannot change a key."""
    op.execute("CREATE TABLE counters_before AS SELECT name, value FROM counters")
    op.drop_table("counters")
    op.create_table(
        "counters",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("lane", sa.Integer(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(*_KEY, name="pk_counters"),
    )
    op.execute("INSERT INTO counters (name, lane, value) SELECT name, 0, value FROM counters_before")
    op.drop_table("counters_before")
