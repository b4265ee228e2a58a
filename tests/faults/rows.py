"""What a store holds, read by statements of the tests' own, in the shape of the model's tables."""

import json
from collections import defaultdict
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from psycopg.rows import dict_row
from sqlalchemy import make_url

from ostinato.sqlite_driver import sqlite_driver
from tests.servers import postgresql

Row = dict[str, Any]
Select = Callable[[str], list[Row]]
_PATTERN = (
    "pattern_type, pattern_name, instrument_name, provenance_job_hash, provenance_sheet_num, description, "
    "suggested_action, fingerprint, context_tags, occurrence_count, led_to_success_count, led_to_failure_count, "
    "first_seen, last_seen, last_confirmed, active, variance, trust_score, trust_calculated_at, quarantine_status"
)
_APPLICATION = (
    "pattern_id, execution_id, occurred_at, applied_at, pattern_led_to_success, retry_count_before, "
    "retry_count_after, application_mode, validation_passed, grounding_confidence"
)
_LISTS = {
    "inbox": "SELECT message_id, kind, occurred_at, applied_at, content FROM inbox ORDER BY seq",
    "quarantine": "SELECT source, reason_code, raw, message_id, state FROM quarantine",
    "recalculations": "SELECT message_id, finished_at FROM recalculations",
}


@dataclass(frozen=True)
class Rows:
    """``tables`` and ``scores`` as the model has them; the rest row by row, the inbox in the order of application.

    ``broken``: what the database itself says is wrong with its files.
    """

    tables: dict[str, Any]
    scores: dict[tuple[str, str], float]
    inbox: list[Row]
    quarantine: list[Row]
    recalculations: list[Row]
    broken: list[str]


def read_rows(address: str) -> Rows:
    """Everything, as of one moment; ``address`` is the store's URL."""
    with selecting(address) as select:
        lists = {name: select(statement) for name, statement in _LISTS.items()}
        scores = {
            (row["id"], name): row[f"{name}_score"]
            for row in select("SELECT id, effectiveness_score, priority_score FROM patterns")
            for name in ("effectiveness", "priority")
        }
        return Rows(_tables(select), scores, **lists, broken=_broken(select, address))


@contextmanager
def selecting(address: str) -> Generator[Select]:
    """Statements that see the state of one moment."""
    url = make_url(address)
    if url.get_backend_name() == "sqlite":
        uri = f"file:{quote(str(url.database))}?mode=rw"
        with closing(sqlite_driver().connect(uri, uri=True, isolation_level=None, timeout=600)) as connection:
            connection.row_factory = sqlite_driver().Row
            connection.execute("PRAGMA query_only=ON")
            connection.execute("BEGIN")
            yield lambda statement: [dict(row) for row in connection.execute(statement)]
    else:
        with closing(postgresql.connect(url)) as connection, connection.cursor(row_factory=dict_row) as cursor:
            cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield lambda statement: cursor.execute(statement.encode()).fetchall()


def _tables(select: Select) -> dict[str, Any]:
    alike: defaultdict[str, list[str]] = defaultdict(list)
    hashes = {row["id"]: row["content_hash"] for row in select("SELECT id, content_hash FROM patterns")}
    for key, content_hash in hashes.items():
        alike[content_hash].append(key)
    waiting = "SELECT message_id, kind, pattern_id, occurred_at FROM parked"
    counted = "SELECT name, SUM(value) AS value FROM counters GROUP BY name"
    return {
        "patterns": {key: _with_tags(row) for key, row in _by_id(select, "patterns", _PATTERN).items()},
        "same content": {key: sorted(alike[content_hash]) for key, content_hash in hashes.items()},
        "tags": {(row["pattern_id"], row["tag"]) for row in select("SELECT pattern_id, tag FROM pattern_tags")},
        "aliases": {row["alias"]: row["pattern_id"] for row in select("SELECT alias, pattern_id FROM aliases")},
        "applications": _by_id(select, "applications", _APPLICATION),
        "parked": {row.pop("message_id"): tuple(row.values()) for row in select(waiting)},
        "counters": {row["name"]: int(row["value"]) for row in select(counted)},
    }


def _by_id(select: Select, table: str, columns: str) -> dict[str, Row]:
    return {row.pop("id"): row for row in select(f"SELECT id, {columns} FROM {table}")}  # noqa: S608 - named above


def _with_tags(row: Row) -> Row:
    tags = row["context_tags"]
    return {**row, "context_tags": None if tags is None else json.loads(tags)}


def _broken(select: Select, address: str) -> list[str]:
    if not address.startswith("sqlite"):
        return []
    said = [str(row["integrity_check"]) for row in select("PRAGMA integrity_check")]
    return [*(line for line in said if line != "ok"), *(str(row) for row in select("PRAGMA foreign_key_check"))]
