"""One pattern of the predecessor as a message. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from ostinato.messages import wire
from ostinato.messages.fields import BALANCE_LIMIT, SHEET_LIMIT
from ostinato.messages.models import ImportPattern
from ostinato.times import EPOCH
from worker.cli.import_sqlite.applications import ID_LENGTH
from worker.cli.import_sqlite.converted import Converted, converted, id_made_from
from worker.cli.import_sqlite.mending import Mending
from worker.cli.import_sqlite.source import PATTERNS, Row

_STATUSES = ("pending", "quarantined", "validated", "retired")


class KnownOutcomes(NamedTuple):
    """How many successes and failures have an application of their own."""

    successes: int = 0
    failures: int = 0


class _Times(NamedTuple):
    first_seen: datetime
    last_seen: datetime
    last_confirmed: datetime | None


def pattern(row: Row, zone: ZoneInfo | None, known: KnownOutcomes) -> Converted[ImportPattern]:
    """The message of a row; its balance is what the row's counts have beyond the known outcomes."""
    return converted(row, zone, lambda mending: _message(mending, known))


def _message(row: Mending, known: KnownOutcomes) -> ImportPattern:
    key, times = row.key("id", ID_LENGTH), _times(row)
    return wire.make(
        ImportPattern,
        {
            "id": id_made_from(PATTERNS, key, row.row.get("first_seen")),
            "occurred_at": times.last_seen,
            "pattern_id": key,
            "pattern_type": row.name("pattern_type", 100),
            "pattern_name": row.name("pattern_name", 500),
            **_described(row),
            "occurrence_count": row.count("occurrence_count", BALANCE_LIMIT, 1),
            "led_to_success_count": _beyond(row, "led_to_success_count", known.successes),
            "led_to_failure_count": _beyond(row, "led_to_failure_count", known.failures),
            "first_seen": times.first_seen,
            "last_confirmed": times.last_confirmed,
            "variance": row.share("variance", 0.0),
            "trust_score": row.share("trust_score", 0.5),
            "quarantine_status": _status(row),
            "active": _active(row),
        },
    )


def _described(row: Mending) -> Mapping[str, object]:
    job_hash = row.text("provenance_job_hash", 200)
    sheet_num = row.count("provenance_sheet_num", SHEET_LIMIT, None)
    known = job_hash is not None or sheet_num is not None
    return {
        "description": row.text("description", 10_000, lines=True),
        "context_tags": row.tags("context_tags"),
        "suggested_action": row.text("suggested_action", 10_000, lines=True),
        "instrument_name": row.text("instrument_name", 200),
        "provenance": {"job_hash": job_hash, "sheet_num": sheet_num} if known else None,
    }


def _beyond(row: Mending, name: str, known: int) -> int:
    counted = row.count(name, BALANCE_LIMIT) or 0
    if counted < known:
        row.note(f"{name}_below_applications")
    return max(0, counted - known)


def _status(row: Mending) -> str:
    status = row.row.get("quarantine_status")
    if status in _STATUSES:
        return str(status)
    if "quarantine_status" in row.row:
        row.note(f"quarantine_status_{'missing' if status is None else 'value'}")
    return _STATUSES[0]


def _active(row: Mending) -> bool:
    active = row.truth("active")
    if active is None and "active" in row.row:
        row.note(f"active_{'missing' if row.row['active'] is None else 'type'}")
    return active is not False


def _times(row: Mending) -> _Times:
    """The pattern's times. A missing one is replaced by another, or by 1970, so that every run gives the same."""
    first, last, confirmed = (row.moment(name) for name in ("first_seen", "last_seen", "last_confirmed"))
    if first and last and first > last:
        row.note("first_seen_after_last_seen")
        first, last = last, first
    earliest = min((each for each in (first, last, confirmed) if each), default=EPOCH)
    if first and earliest < first:
        # A confirmed pattern had been seen by then, and its idle days count from there.
        row.note("last_confirmed_before_first_seen")
    return _Times(earliest, last or first or earliest, confirmed)
