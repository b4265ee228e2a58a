"""Two indexes of the ranking instead of four, so that a message rewrites two; instrument and status are looked up.

Those two know which patterns are active, so that of those that do not pass only the index is read.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Put plain indexes in the place of two rankings, and make the other two anew."""
    for name, column in (("instrument", "instrument_name"), ("status", "quarantine_status")):
        op.drop_index(f"ix_patterns_ranking_by_{name}", "patterns")
        op.create_index(f"ix_patterns_{column}", "patterns", [column])
    ranking = [sa.text("priority_score DESC"), sa.text("last_seen DESC"), "id", "active"]
    for suffix, first in (("", []), ("_by_type", ["pattern_type"])):
        op.drop_index(f"ix_patterns_ranking{suffix}", "patterns")
        op.create_index(f"ix_patterns_ranking{suffix}", "patterns", [*first, *ranking])
