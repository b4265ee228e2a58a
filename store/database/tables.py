"""The tables. Times are whole microseconds since 1970 UTC, in columns of 64-bit integers."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)
from sqlalchemy.types import TypeEngine
from typing_extensions import override

from store.events import Stamp
from store.rules.scoring import Outcome

T = TypeVar("T")

# The states of a row in the quarantine.
NEW, REPLAYED, DISCARDED = "new", "replayed", "discarded"

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)


class Json(TypeDecorator[T]):
    """A value as JSON text; ``decode`` makes the value of what JSON has."""

    impl = Text
    cache_ok = True

    def __init__(self, decode: Callable[[Any], T]) -> None:
        super().__init__()
        self.decode = decode

    @override
    def process_bind_param(self, value: T | None, dialect: Dialect) -> str | None:
        return None if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)

    @override
    def process_result_value(self, value: str | None, dialect: Dialect) -> T | None:
        return None if value is None else self.decode(json.loads(value))


def _tags(value: list[str]) -> tuple[str, ...]:
    return tuple(value)


def _stamps(value: dict[str, tuple[int, str]]) -> dict[str, Stamp]:
    return {name: Stamp(*stamp) for name, stamp in value.items()}


def _window(value: list[tuple[int, str, bool, float | None]]) -> tuple[Outcome, ...]:
    return tuple(Outcome(*row) for row in value)


def _key(length: int) -> TypeEngine[str]:
    # Keys are compared and paged by their bytes, whatever the database's language.
    return String(length).with_variant(String(length, collation="C"), "postgresql")


# SQLite numbers rows by itself only in a column of exactly this type.
_counted = BigInteger().with_variant(Integer, "sqlite")

inbox = Table(
    "inbox",
    metadata,
    Column("seq", _counted, Identity(), primary_key=True, comment="the order in which messages were applied"),
    Column("message_id", _key(36), nullable=False, unique=True),
    Column("kind", String(64), nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("applied_at", BigInteger, nullable=False, index=True),
    Column("content_sha256", String(64), nullable=False),
    Column("content", Text, comment="the message as canonical JSON; null once pruned"),
)

patterns = Table(
    "patterns",
    metadata,
    Column("id", _key(200), primary_key=True),
    Column("pattern_type", Text, nullable=False),
    Column("pattern_name", Text, nullable=False),
    Column("description", Text),
    Column("context_tags", Json(_tags)),
    Column("suggested_action", Text),
    Column("fingerprint", Text),
    Column("instrument_name", Text, index=True),
    Column("provenance_job_hash", Text),
    Column("provenance_sheet_num", BigInteger),
    Column("stamps", Json(_stamps), nullable=False),
    Column("content_hash", String(32), nullable=False, index=True),
    Column("occurrence_count", BigInteger, nullable=False),
    Column("led_to_success_count", BigInteger, nullable=False),
    Column("led_to_failure_count", BigInteger, nullable=False),
    Column("first_seen", BigInteger, nullable=False),
    Column("last_seen", BigInteger, nullable=False),
    Column("newest_success", BigInteger),
    Column("last_confirmed", BigInteger, nullable=False),
    Column("deleted_at", BigInteger),
    Column("active", Boolean, nullable=False),
    Column("window", Json(_window), nullable=False),
    Column("recent", Double, nullable=False),
    Column("grounding", Double, nullable=False),
    Column("effectiveness_score", Double, nullable=False),
    Column("priority_score", Double, nullable=False),
    Column("variance", Double, nullable=False),
    Column("trust_score", Double, nullable=False, index=True),
    Column("trust_calculated_at", BigInteger, nullable=False),
    Column("quarantine_status", String(16), nullable=False, index=True),
    # Rows in the order of their ids, in which recalculations read them: a chunk is a few pages, not a row of each page.
    sqlite_with_rowid=False,
)
# With the column that most questions filter by, so that rows that do not pass are read only in the index.
_RANKING = (patterns.c.priority_score.desc(), patterns.c.last_seen.desc(), patterns.c.id, patterns.c.active)
Index("ix_patterns_ranking", *_RANKING)
Index("ix_patterns_ranking_by_type", patterns.c.pattern_type, *_RANKING)

pattern_tags = Table(
    "pattern_tags",
    metadata,
    Column("pattern_id", _key(200), ForeignKey("patterns.id"), primary_key=True),
    Column("tag", Text, primary_key=True, index=True),
)

aliases = Table(
    "aliases",
    metadata,
    Column("alias", _key(200), primary_key=True),
    Column("pattern_id", _key(200), ForeignKey("patterns.id"), nullable=False, index=True),
)

applications = Table(
    "applications",
    metadata,
    Column("id", _key(36), primary_key=True),
    Column("pattern_id", _key(200), ForeignKey("patterns.id"), nullable=False),
    Column("execution_id", Text, nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("applied_at", BigInteger, nullable=False),
    Column("pattern_led_to_success", Boolean, nullable=False),
    Column("retry_count_before", Integer, nullable=False),
    Column("retry_count_after", Integer, nullable=False),
    Column("application_mode", String(16), nullable=False),
    Column("validation_passed", Boolean),
    Column("grounding_confidence", Double),
)
Index(
    "ix_applications_newest",
    applications.c.pattern_id,
    applications.c.occurred_at.desc(),
    applications.c.id.desc(),
)

parked = Table(
    "parked",
    metadata,
    Column("message_id", _key(36), primary_key=True),
    Column("kind", String(64), nullable=False),
    Column("pattern_id", _key(200), nullable=False, index=True),
    Column("occurred_at", BigInteger, nullable=False),
    Column("parked_at", BigInteger, nullable=False, index=True),
    Column("reason", String(64), nullable=False),
    Column("event", Text, nullable=False, comment="the event's fields as JSON"),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", _key(32), primary_key=True),
    Column("received_at", BigInteger, nullable=False, index=True),
    Column("source", String(16), nullable=False),
    Column("reason_code", String(64), nullable=False, index=True),
    Column("reason_detail", Text, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("message_id", Text),
    Column("task", Text),
    Column("state", String(16), nullable=False),
    Column("resolved_at", BigInteger),
    Column("note", Text),
)
# Frequent questions are answered from the index alone: SQLite reads all bytes of a row to find its state.
Index(None, quarantine.c.state, quarantine.c.received_at, quarantine.c.reason_code)

recalculations = Table(
    "recalculations",
    metadata,
    Column("message_id", _key(36), primary_key=True),
    Column("clock", BigInteger, nullable=False, comment="the one clock reading of the whole run"),
    Column("last_id", _key(200), nullable=False, comment="patterns up to this id are done"),
    Column("patterns", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Column("skipped", BigInteger, nullable=False),
    Column("finished_at", BigInteger, index=True),
)

counters = Table(
    "counters",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("lane", Integer, primary_key=True, autoincrement=False),
    Column("value", BigInteger, nullable=False),
)
