"""What a store holds, in the shape of the model's tables."""

import json
from collections import defaultdict
from typing import Any

from sqlalchemy import Connection, RowMapping, Table

from store.database.counters import read_counters
from store.database.tables import aliases, applications, inbox, parked, pattern_tags, patterns, quarantine
from tests.model.serial import comparable

_NOT_COMPARED = {"id", "stamps", "content_hash", "newest_success", "deleted_at", "window", "recent", "grounding"}
_SCORES = {"effectiveness": "effectiveness_score", "priority": "priority_score"}


def tables(connection: Connection) -> dict[str, Any]:
    """Every table, as `SerialModel.tables` has it."""
    found = _rows(connection, patterns)
    alike: defaultdict[str, list[str]] = defaultdict(list)
    for row in found:
        alike[row["content_hash"]].append(row["id"])
    return {
        "patterns": {row["id"]: _pattern(row) for row in found},
        "same content": {row["id"]: sorted(alike[row["content_hash"]]) for row in found},
        "tags": {(row["pattern_id"], row["tag"]) for row in _rows(connection, pattern_tags)},
        "aliases": {row["alias"]: row["pattern_id"] for row in _rows(connection, aliases)},
        "applications": {row["id"]: _but(row, {"id"}) for row in _rows(connection, applications)},
        "parked": {
            row["message_id"]: (row["kind"], row["pattern_id"], row["occurred_at"]) for row in _rows(connection, parked)
        },
        "inbox": {
            row["message_id"]: (row["kind"], row["occurred_at"], row["applied_at"]) for row in _rows(connection, inbox)
        },
        "quarantine": sorted(
            (_text(row), row["reason_code"], row["message_id"], row["state"]) for row in _rows(connection, quarantine)
        ),
        "counters": read_counters(connection),
    }


def scores(connection: Connection) -> dict[tuple[str, str], float]:
    """Both scores of every pattern, as `SerialModel.scores` has them."""
    return {(row["id"], name): row[column] for row in _rows(connection, patterns) for name, column in _SCORES.items()}


def _rows(connection: Connection, table: Table) -> list[RowMapping]:
    return list(connection.execute(table.select()).mappings())


def _pattern(row: RowMapping) -> dict[str, Any]:
    tags = row["context_tags"]
    values = _but(row, _NOT_COMPARED | set(_SCORES.values()))
    return {**values, "context_tags": None if tags is None else list(tags)}


def _but(row: RowMapping, left_out: set[str]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in left_out}


def _text(row: RowMapping) -> str:
    """A message that was refused: one of a known shape as the model compares it, any other as it arrived."""
    text = row["raw"].decode()
    return comparable(json.loads(text)) if row["reason_code"] == "id_reuse" else text
