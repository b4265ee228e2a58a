"""Two indexes of the ranking instead of four, so that a message rewrites two; instrument and status are looked up."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Put plain indexes in the place of the two rankings."""
    for name, column in (("instrument", "instrument_name"), ("status", "quarantine_status")):
        op.drop_index(f"ix_patterns_ranking_by_{name}", "patterns")
        op.create_index(f"ix_patterns_{column}", "patterns", [column])
