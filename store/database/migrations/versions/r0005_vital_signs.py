"""Indexes for frequent questions about parked messages and the quarantine, whose rows may be large."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create both indexes."""
    op.create_index("ix_parked_parked_at", "parked", ["parked_at"])
    columns = ["state", "received_at", "reason_code"]
    op.create_index("ix_quarantine_state_received_at_reason_code", "quarantine", columns)
