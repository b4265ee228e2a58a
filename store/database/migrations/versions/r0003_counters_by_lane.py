"""Counters in parts, one for each lane, so that no lane waits for another's to be committed."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_KEY = ("name", "lane")


def upgrade() -> None:
    """Make what was counted so far the part of lane 0."""
    if op.get_bind().dialect.name == "sqlite":
        _make_anew()
    else:
        _widen()


def _widen() -> None:
    """In place, so that readers keep their rights."""
    op.add_column("counters", sa.Column("lane", sa.Integer(), nullable=False, server_default="0"))
    op.alter_column("counters", "lane", server_default=None)
    op.drop_constraint("pk_counters", "counters", type_="primary")
    op.create_primary_key("pk_counters", "counters", list(_KEY))


def _make_anew() -> None:
    """SQLite cannot change a key."""
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
