"""Applications of the predecessor as messages. Malformed values are mended or the row is skipped, with a reason."""

import json
from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from ostinato.messages.models import RecordPatternApplication
from tests.samples.predecessor import APPLICATION
from worker.cli.import_sqlite.applications import application
from worker.cli.import_sqlite.converted import Converted

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def applied(**row: object) -> Converted[RecordPatternApplication]:
    """A complete application with other values."""
    return application({**APPLICATION, **row}, ZoneInfo("UTC"))


def said(found: Converted[RecordPatternApplication]) -> RecordPatternApplication:
    """The message of a row that was not skipped."""
    assert found.message is not None
    return found.message


def test_a_complete_application_needs_no_mending() -> None:
    """Its id is kept, and its time is `applied_at`."""
    found = applied()
    expected = {
        "kind": "record_pattern_application",
        **{name: value for name, value in APPLICATION.items() if name != "applied_at"},
        "occurred_at": "2026-05-02T09:00:00Z",
        "pattern_led_to_success": True,
        "application_mode": "exploitation",
    }
    assert [] == found.mended
    assert expected == json.loads(said(found).content())


@pytest.mark.parametrize(
    ("name", "value", "field", "mended", "reasons"),
    [
        ("applied_at", None, "occurred_at", EPOCH, ["applied_at_missing"]),
        ("applied_at", 1.5, "occurred_at", EPOCH, ["applied_at_type"]),
        ("execution_id", None, "execution_id", "", ["execution_id_missing"]),
        ("pattern_led_to_success", "true", "pattern_led_to_success", True, ["pattern_led_to_success_type"]),
        ("pattern_led_to_success", 0.0, "pattern_led_to_success", False, []),
        ("retry_count_before", None, "retry_count_before", 0, ["retry_count_before_missing"]),
        ("retry_count_after", 2**40, "retry_count_after", 1_000_000, ["retry_count_after_range"]),
        ("grounding_confidence", None, "grounding_confidence", None, []),
        ("grounding_confidence", -0.5, "grounding_confidence", None, ["grounding_confidence_range"]),
    ],
)
def test_a_malformed_application_is_mended(
    name: str, value: object, field: str, mended: object, reasons: list[str]
) -> None:
    """The rest of the row is unchanged."""
    found = applied(**{name: value})
    assert (None, reasons, mended) == (found.skipped, found.mended, getattr(found.message, field))


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("id", None, "id_missing"),
        ("pattern_id", None, "pattern_id_missing"),
        ("pattern_led_to_success", None, "pattern_led_to_success_missing"),
        ("pattern_led_to_success", 2, "pattern_led_to_success_type"),
        ("pattern_led_to_success", "perhaps", "pattern_led_to_success_type"),
    ],
)
def test_an_application_without_pattern_or_outcome_is_skipped(name: str, value: object, reason: str) -> None:
    """A guess would invent one."""
    found = applied(**{name: value})
    assert (None, reason) == (found.message, found.skipped)


def test_ids_are_the_same_in_every_run_and_different_for_every_row() -> None:
    """A UUID is kept. Another spelling of it could be the id of a second row."""
    ids = [APPLICATION["id"], str(APPLICATION["id"]).upper(), "7", "8"]
    found = [said(applied(id=each)).id for each in ids]
    assert found == [said(applied(id=each)).id for each in ids]
    assert UUID(str(APPLICATION["id"])) == found[0]
    assert 4 == len(set(found))
