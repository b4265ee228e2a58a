"""The first schema: inbox, patterns, applications, aliases, parked, quarantine, recalculations, counters."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table, and the counters at zero."""
    _counters()
    _inbox()
    _parked()
    _patterns()
    _quarantine()
    _recalculations()
    _aliases()
    _applications()
    _pattern_tags()


def _key(length: int) -> sa.types.TypeEngine[str]:
    # Keys are compared and paged by their bytes, whatever the database's language.
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def _counters() -> None:
    op.create_table(
        "counters",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_counters"),
    )
    op.execute("INSERT INTO counters (name, value) VALUES ('applied', 0), ('duplicates', 0), ('merges', 0)")


def _inbox() -> None:
    # SQLite numbers rows by itself only in a column of exactly this type.
    counted = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "inbox",
        sa.Column("seq", counted, sa.Identity(), nullable=False, comment="the order in which messages were applied"),
        sa.Column("message_id", _key(36), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("applied_at", sa.BigInteger(), nullable=False),
        sa.Column("content_sha256", sa.String(length=64), nullable=False),
        sa.Column("content", sa.Text(), nullable=True, comment="the message as canonical JSON; null once pruned"),
        sa.PrimaryKeyConstraint("seq", name="pk_inbox"),
        sa.UniqueConstraint("message_id", name="uq_inbox_message_id"),
    )
    op.create_index("ix_inbox_applied_at", "inbox", ["applied_at"], unique=False)


def _parked() -> None:
    op.create_table(
        "parked",
        sa.Column("message_id", _key(36), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("pattern_id", _key(200), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("parked_at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("event", sa.Text(), nullable=False, comment="the event's fields as JSON"),
        sa.PrimaryKeyConstraint("message_id", name="pk_parked"),
    )
    op.create_index("ix_parked_pattern_id", "parked", ["pattern_id"], unique=False)


def _texts() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("id", _key(200), nullable=False),
        sa.Column("pattern_type", sa.Text(), nullable=False),
        sa.Column("pattern_name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("context_tags", sa.Text(), nullable=True),
        sa.Column("suggested_action", sa.Text(), nullable=True),
        sa.Column("fingerprint", sa.Text(), nullable=True),
        sa.Column("instrument_name", sa.Text(), nullable=True),
        sa.Column("provenance_job_hash", sa.Text(), nullable=True),
        sa.Column("provenance_sheet_num", sa.BigInteger(), nullable=True),
        sa.Column("stamps", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.String(length=32), nullable=False),
    )


def _numbers() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("occurrence_count", sa.BigInteger(), nullable=False),
        sa.Column("led_to_success_count", sa.BigInteger(), nullable=False),
        sa.Column("led_to_failure_count", sa.BigInteger(), nullable=False),
        sa.Column("first_seen", sa.BigInteger(), nullable=False),
        sa.Column("last_seen", sa.BigInteger(), nullable=False),
        sa.Column("newest_success", sa.BigInteger(), nullable=True),
        sa.Column("last_confirmed", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("window", sa.Text(), nullable=False),
        sa.Column("recent", sa.Double, nullable=False),
        sa.Column("grounding", sa.Double, nullable=False),
        sa.Column("effectiveness_score", sa.Double, nullable=False),
        sa.Column("priority_score", sa.Double, nullable=False),
        sa.Column("variance", sa.Double, nullable=False),
        sa.Column("trust_score", sa.Double, nullable=False),
        sa.Column("trust_calculated_at", sa.BigInteger(), nullable=False),
        sa.Column("quarantine_status", sa.String(length=16), nullable=False),
    )


def _patterns() -> None:
    op.create_table(
        "patterns",
        *_texts(),
        *_numbers(),
        sa.PrimaryKeyConstraint("id", name="pk_patterns"),
    )
    op.create_index("ix_patterns_content_hash", "patterns", ["content_hash"], unique=False)
    ranking: list[Any] = [sa.literal_column("priority_score DESC"), sa.literal_column("last_seen DESC"), "id"]
    op.create_index("ix_patterns_trust_score", "patterns", ["trust_score"], unique=False)
    op.create_index("ix_patterns_ranking", "patterns", ranking, unique=False)
    for name, column in (("type", "pattern_type"), ("instrument", "instrument_name"), ("status", "quarantine_status")):
        op.create_index(f"ix_patterns_ranking_by_{name}", "patterns", [column, *ranking], unique=False)


def _quarantine() -> None:
    op.create_table(
        "quarantine",
        sa.Column("id", _key(32), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("reason_code", sa.String(length=64), nullable=False),
        sa.Column("reason_detail", sa.Text(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.Column("task", sa.Text(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("resolved_at", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_quarantine"),
    )
    op.create_index("ix_quarantine_reason_code", "quarantine", ["reason_code"], unique=False)
    op.create_index("ix_quarantine_received_at", "quarantine", ["received_at"], unique=False)


def _recalculations() -> None:
    op.create_table(
        "recalculations",
        sa.Column("message_id", _key(36), nullable=False),
        sa.Column("clock", sa.BigInteger(), nullable=False, comment="the one clock reading of the whole run"),
        sa.Column("last_id", _key(200), nullable=False, comment="patterns up to this id are done"),
        sa.Column("patterns", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.Column("skipped", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("message_id", name="pk_recalculations"),
    )
    op.create_index("ix_recalculations_finished_at", "recalculations", ["finished_at"], unique=False)


def _aliases() -> None:
    op.create_table(
        "aliases",
        sa.Column("alias", _key(200), nullable=False),
        sa.Column("pattern_id", _key(200), nullable=False),
        sa.ForeignKeyConstraint(["pattern_id"], ["patterns.id"], name="fk_aliases_pattern_id"),
        sa.PrimaryKeyConstraint("alias", name="pk_aliases"),
    )
    op.create_index("ix_aliases_pattern_id", "aliases", ["pattern_id"], unique=False)


def _applications() -> None:
    op.create_table(
        "applications",
        sa.Column("id", _key(36), nullable=False),
        sa.Column("pattern_id", _key(200), nullable=False),
        sa.Column("execution_id", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("applied_at", sa.BigInteger(), nullable=False),
        sa.Column("pattern_led_to_success", sa.Boolean(), nullable=False),
        sa.Column("retry_count_before", sa.Integer(), nullable=False),
        sa.Column("retry_count_after", sa.Integer(), nullable=False),
        sa.Column("application_mode", sa.String(length=16), nullable=False),
        sa.Column("validation_passed", sa.Boolean(), nullable=True),
        sa.Column("grounding_confidence", sa.Double, nullable=True),
        sa.ForeignKeyConstraint(["pattern_id"], ["patterns.id"], name="fk_applications_pattern_id"),
        sa.PrimaryKeyConstraint("id", name="pk_applications"),
    )
    op.create_index(
        "ix_applications_newest",
        "applications",
        ["pattern_id", sa.literal_column("occurred_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )


def _pattern_tags() -> None:
    op.create_table(
        "pattern_tags",
        sa.Column("pattern_id", _key(200), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["pattern_id"], ["patterns.id"], name="fk_pattern_tags_pattern_id"),
        sa.PrimaryKeyConstraint("pattern_id", "tag", name="pk_pattern_tags"),
    )
    op.create_index("ix_pattern_tags_tag", "pattern_tags", ["tag"], unique=False)
