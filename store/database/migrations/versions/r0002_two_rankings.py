"""Two indexes of the ranking instead of four, so that a message rewrites only two; instrument and status have others.

The two indexes have the column ``active``, so that rows that do not pass are read only in the index.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Replace two rankings by plain indexes, and rebuild the other two."""
    for name, column in (("instrument", "instrument_name"), ("status", "quarantine_status")):
        op.drop_index(f"ix_patterns_ranking_by_{name}", "patterns")
        op.create_index(f"ix_patterns_{column}", "patterns", [column])
    ranking: list[Any] = [sa.text("priority_score DESC"), sa.text("last_seen DESC"), "id", "active"]
    rankings = {"ix_patterns_ranking": ranking, "ix_patterns_ranking_by_type": ["pattern_type", *ranking]}
    for name, columns in rankings.items():
        op.drop_index(name, "patterns")
        op.create_index(name, "patterns", columns)
