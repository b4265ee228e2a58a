"""Counters in parts, one for each lane, so that no lane waits for another's to be committed."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make what was counted so far the part of lane 0."""
    # Not renamed: PostgreSQL would go on using the name of its key.
    op.execute("CREATE TABLE counters_before AS SELECT name, value FROM counters")
    op.drop_table("counters")
    op.create_table(
        "counters",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("lane", sa.Integer(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", "lane", name="pk_counters"),
    )
    op.execute("INSERT INTO counters (name, lane, value) SELECT name, 0, value FROM counters_before")
    op.drop_table("counters_before")
