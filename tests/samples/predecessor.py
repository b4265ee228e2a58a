"""Learning databases of the predecessor, made by its schema."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
CURRENT = 15
OUTCOME_RENAMED = 11
_PATTERNS = {
    "id": "TEXT PRIMARY KEY",
    "pattern_type": "TEXT NOT NULL",
    "pattern_name": "TEXT NOT NULL",
    "description": "TEXT",
    "occurrence_count": "INTEGER DEFAULT 1",
    "first_seen": "TIMESTAMP",
    "last_seen": "TIMESTAMP",
    "last_confirmed": "TIMESTAMP",
    "led_to_success_count": "INTEGER DEFAULT 0",
    "led_to_failure_count": "INTEGER DEFAULT 0",
    "effectiveness_score": "REAL DEFAULT 0.5",
    "variance": "REAL DEFAULT 0.0",
    "suggested_action": "TEXT",
    "context_tags": "TEXT",
    "priority_score": "REAL DEFAULT 0.5",
    "quarantine_status": "TEXT DEFAULT 'pending'",
    "provenance_job_hash": "TEXT",
    "provenance_sheet_num": "INTEGER",
    "quarantined_at": "TIMESTAMP",
    "validated_at": "TIMESTAMP",
    "quarantine_reason": "TEXT",
    "trust_score": "REAL DEFAULT 0.5",
    "trust_calculation_date": "TIMESTAMP",
    "success_factors": "TEXT",
    "success_factors_updated_at": "TIMESTAMP",
    "active": "INTEGER DEFAULT 1",
    "content_hash": "TEXT",
    "instrument_name": "TEXT",
}
_APPLICATIONS = {
    "id": "TEXT PRIMARY KEY",
    "pattern_id": "TEXT",
    "execution_id": "TEXT",
    "applied_at": "TIMESTAMP",
    "pattern_led_to_success": "BOOLEAN",
    "retry_count_before": "INTEGER",
    "retry_count_after": "INTEGER",
    "grounding_confidence": "REAL",
}
SEEN = "2026-05-01T10:00:00"
PATTERN: Mapping[str, object] = {
    "id": "0123456789abcdef",
    "pattern_type": "timeout",
    "pattern_name": "Login times out",
    "first_seen": SEEN,
    "last_seen": "2026-05-03T10:00:00.250000",
    "last_confirmed": "2026-05-02T10:00:00",
}
APPLICATION: Mapping[str, object] = {
    "id": "3c2d6b4e-8f4e-4b0a-9a51-0d0f3e6f8a11",
    "pattern_id": PATTERN["id"],
    "execution_id": "run 1",
    "applied_at": "2026-05-02T09:00:00",
    "pattern_led_to_success": 1,
    "retry_count_before": 2,
    "retry_count_after": 1,
    "grounding_confidence": 0.75,
}


class Predecessor:
    """A database in a file, in WAL mode as the predecessor has it, which nobody has open between two calls."""

    def __init__(self, path: Path, *, version: int = CURRENT) -> None:
        self.path = path
        self.outcome = "pattern_led_to_success" if version >= OUTCOME_RENAMED else "outcome_improved"
        patterns, applications = dict(_PATTERNS), dict(_APPLICATIONS)
        if version < CURRENT:
            for name in ("active", "content_hash", "instrument_name"):
                del patterns[name]
            applications["pattern_id"] += " REFERENCES patterns(id)"
        self.sql(
            "PRAGMA journal_mode=WAL",
            "CREATE TABLE schema_version (version INTEGER PRIMARY KEY)",
            f"INSERT INTO schema_version VALUES ({version:d})",  # noqa: S608 - a number
            _create("patterns", patterns),
            _create("pattern_applications", self._named(applications)),
        )

    def sql(self, *statements: str) -> None:
        """Run statements, as the predecessor would."""
        with closing(sqlite3.connect(self.path)) as connection:
            for statement in statements:
                connection.execute(statement)
            connection.commit()

    def patterns(self, *rows: Mapping[str, object]) -> None:
        """Insert patterns; what a row does not say is as in `PATTERN`, or the column's default."""
        self._insert("patterns", PATTERN, rows)

    def applications(self, *rows: Mapping[str, object]) -> None:
        """Insert applications; what a row does not say is as in `APPLICATION`."""
        self._insert("pattern_applications", self._named(APPLICATION), tuple(map(self._named, rows)))

    def _named(self, columns: Mapping[str, T]) -> dict[str, T]:
        """The columns of applications as this version names them."""
        return {self.outcome if name == "pattern_led_to_success" else name: each for name, each in columns.items()}

    def _insert(self, table: str, usual: Mapping[str, object], rows: tuple[Mapping[str, object], ...]) -> None:
        with closing(sqlite3.connect(self.path)) as connection:
            for row in rows:
                values = {**usual, **row}
                columns, places = ", ".join(values), ", ".join("?" * len(values))
                connection.execute(
                    f"INSERT INTO {table} ({columns}) VALUES ({places})",  # noqa: S608 - names of ours
                    tuple(values.values()),
                )
            connection.commit()


def _create(table: str, columns: Mapping[str, str]) -> str:
    return f"CREATE TABLE {table} ({', '.join(f'{name} {kind}' for name, kind in columns.items())})"
