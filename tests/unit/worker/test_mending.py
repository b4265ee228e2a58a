"""Patterns of the predecessor as messages. Malformed values are mended, or the row is skipped, with a reason."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostinato.messages.models import ImportPattern, Provenance
from tests.samples.predecessor import APPLICATION, PATTERN
from worker.cli.import_sqlite.applications import application
from worker.cli.import_sqlite.converted import Converted
from worker.cli.import_sqlite.patterns import KnownOutcomes, pattern

ZONE = ZoneInfo("UTC")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
COMPLETE: Mapping[str, object] = {
    **PATTERN,
    "description": "The page\nloads slowly.",
    "occurrence_count": 7,
    "led_to_success_count": 5,
    "led_to_failure_count": 2,
    "variance": 0.25,
    "suggested_action": "Wait",
    "context_tags": '["ci", "login"]',
    "quarantine_status": "validated",
    "provenance_job_hash": "a1b2",
    "provenance_sheet_num": 3,
    "trust_score": 0.75,
    "active": 0,
    "instrument_name": "pytest",
}


def taken(row: Mapping[str, object], known: KnownOutcomes | None = None) -> Converted[ImportPattern]:
    """A complete pattern with other values."""
    return pattern({**COMPLETE, **row}, ZONE, known or KnownOutcomes())


def said(found: Converted[ImportPattern]) -> ImportPattern:
    """The message of a row that was not skipped."""
    assert found.message is not None
    return found.message


def moment(text: str) -> datetime:
    """A time in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_complete_pattern_needs_no_mending() -> None:
    """Every value is taken unchanged; the balance is what the counts have beyond the known applications."""
    found = taken({}, KnownOutcomes(3, 1))
    expected = {
        "kind": "import_pattern",
        "id": str(said(found).id),
        "occurred_at": "2026-05-03T10:00:00.250000Z",
        "pattern_id": PATTERN["id"],
        "pattern_type": "timeout",
        "pattern_name": "Login times out",
        "description": "The page\nloads slowly.",
        "context_tags": ["ci", "login"],
        "suggested_action": "Wait",
        "provenance": {"job_hash": "a1b2", "sheet_num": 3},
        "instrument_name": "pytest",
        "occurrence_count": 7,
        "led_to_success_count": 2,
        "led_to_failure_count": 1,
        "first_seen": "2026-05-01T10:00:00Z",
        "last_confirmed": "2026-05-02T10:00:00Z",
        "variance": 0.25,
        "trust_score": 0.75,
        "quarantine_status": "validated",
        "active": False,
    }
    assert ([], None) == (found.mended, found.skipped)
    assert expected == json.loads(said(found).content())


@pytest.mark.parametrize(
    ("name", "value", "mended", "reasons"),
    [
        ("description", "a\r\nb\0c\udc80", "a\nb c\N{REPLACEMENT CHARACTER}", ["description_characters"]),
        ("description", "x" * 10_001, "x" * 9_999 + "…", ["description_length"]),
        ("description", b"bytes\xff", "bytes\N{REPLACEMENT CHARACTER}", ["description_type"]),
        ("suggested_action", 3.5, "3.5", ["suggested_action_type"]),
        ("instrument_name", "a\tb", "a b", ["instrument_name_characters"]),
        ("pattern_name", "x" * 501, "x" * 499 + "…", ["pattern_name_length"]),
        ("occurrence_count", None, 1, ["occurrence_count_missing"]),
        ("occurrence_count", "12", 12, ["occurrence_count_type"]),
        ("occurrence_count", "many", 1, ["occurrence_count_type"]),
        ("occurrence_count", 2.5, 2, ["occurrence_count_type"]),
        ("occurrence_count", float("inf"), 1, ["occurrence_count_range"]),
        ("led_to_success_count", -4, 0, ["led_to_success_count_range"]),
        ("led_to_failure_count", 2**62, 10**12, ["led_to_failure_count_range"]),
        ("variance", 1.5, 1.0, ["variance_range"]),
        ("variance", "NaN", 0.0, ["variance_type", "variance_range"]),
        ("variance", b"\0", 0.0, ["variance_type"]),
        ("trust_score", None, 0.5, ["trust_score_missing"]),
        ("trust_score", float("-inf"), 0.5, ["trust_score_range"]),
        ("quarantine_status", "weird", "pending", ["quarantine_status_value"]),
        ("quarantine_status", None, "pending", ["quarantine_status_missing"]),
        ("active", None, True, ["active_missing"]),
        ("active", 7, True, ["active_type"]),
        ("active", "false", False, ["active_type"]),
        ("context_tags", "ci, login", None, ["context_tags_json"]),
        ("context_tags", '{"a": 1}', None, ["context_tags_json"]),
        ("context_tags", "[" * 100_000, None, ["context_tags_json"]),
        ("context_tags", '["a", 3, "", null, "b\\u0000"]', ("a", "b "), ["context_tags_items"]),
        ("context_tags", json.dumps(["t"] * 65), ("t",) * 64, ["context_tags_items"]),
        ("context_tags", None, None, []),
        ("description", None, None, []),
    ],
)
def test_a_malformed_value_is_mended(name: str, value: object, mended: object, reasons: list[str]) -> None:
    """The rest of the row is unchanged, and the reason is reported."""
    found = taken({name: value})
    assert (None, reasons) == (found.skipped, found.mended)
    assert mended == getattr(found.message, name)


@pytest.mark.parametrize(("value", "reason"), [(-1, "range"), ("third", "type"), (2**31, "range")])
def test_a_malformed_sheet_number_is_left_out(value: object, reason: str) -> None:
    """Any replacement would be a false number."""
    found = taken({"provenance_sheet_num": value})
    assert ([f"provenance_sheet_num_{reason}"], Provenance(job_hash="a1b2")) == (found.mended, said(found).provenance)


@pytest.mark.parametrize(
    ("first", "last", "confirmed", "expected", "reasons"),
    [
        (None, "2026-05-03", "2026-05-04", ("2026-05-03", "2026-05-03", "2026-05-04"), ["first_seen_missing"]),
        ("2026-05-01", "soon", "2026-05-04", ("2026-05-01", "2026-05-01", "2026-05-04"), ["last_seen_type"]),
        ("2026-05-01", "2026-05-03", None, ("2026-05-01", "2026-05-03", None), ["last_confirmed_missing"]),
        (
            *("2026-05-03", "2026-05-01", "2026-05-03"),
            ("2026-05-01", "2026-05-03", "2026-05-03"),
            ["first_seen_after_last_seen"],
        ),
        (
            *("2026-05-02", "2026-05-03", "2026-05-01"),
            ("2026-05-01", "2026-05-03", "2026-05-01"),
            ["last_confirmed_before_first_seen"],
        ),
        (
            *(None, 5, "2026-05-04"),
            ("2026-05-04", "2026-05-04", "2026-05-04"),
            ["first_seen_missing", "last_seen_type"],
        ),
        (
            *(None, None, None),
            ("1970-01-01", "1970-01-01", None),
            ["first_seen_missing", "last_seen_missing", "last_confirmed_missing"],
        ),
    ],
)
def test_times_mend_each_other(
    first: object, last: object, confirmed: object, expected: tuple[str, str, str | None], reasons: list[str]
) -> None:
    """In the same way in every run: none is the time of the import."""
    found = taken({"first_seen": first, "last_seen": last, "last_confirmed": confirmed})
    assert reasons == found.mended
    message = said(found)
    assert tuple(each and moment(each) for each in expected) == (
        *(message.first_seen, message.occurred_at, message.last_confirmed),
    )


def test_columns_that_older_versions_lack_have_their_defaults() -> None:
    """Without a reason, because nothing is wrong with them."""
    lacking = ("active", "instrument_name", "trust_score", "variance", "occurrence_count", "last_confirmed")
    lacking += ("quarantine_status",)
    found = pattern({name: value for name, value in COMPLETE.items() if name not in lacking}, ZONE, KnownOutcomes())
    assert [] == found.mended
    message = found.message
    assert message is not None
    expected = (True, None, 0.5, 0.0, 1, None, "pending")
    assert expected == tuple(getattr(message, name) for name in lacking)


def test_counts_below_the_applications_leave_no_balance() -> None:
    """The applications exist, so the count is wrong."""
    found = taken({}, KnownOutcomes(6, 2))
    assert (["led_to_success_count_below_applications"], 0, 0) == (
        *(found.mended, said(found).led_to_success_count, said(found).led_to_failure_count),
    )


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("id", None, "id_missing"),
        ("id", b"blob", "id_type"),
        ("id", "", "id_length"),
        ("id", "x" * 201, "id_length"),
        ("id", "a\0b", "id_characters"),
        ("pattern_name", None, "pattern_name_missing"),
        ("pattern_name", "", "pattern_name_missing"),
        ("pattern_type", "", "pattern_type_missing"),
    ],
)
def test_a_pattern_without_an_identity_is_skipped(name: str, value: object, reason: str) -> None:
    """A mended identity would be another pattern's."""
    found = taken({name: value})
    assert (None, reason) == (found.message, found.skipped)


def test_a_pattern_too_large_for_a_message_is_skipped() -> None:
    """It could not be exported."""
    large = "\N{PILE OF POO}" * 10_000
    tags = json.dumps(["\N{PILE OF POO}" * 200] * 64)
    assert "message_too_large" == taken({"description": large, "suggested_action": large, "context_tags": tags}).skipped


def test_two_databases_of_one_pattern_are_two_messages() -> None:
    """They use the same id, and each has content of its own."""
    one, other = taken({}), taken({"first_seen": "2026-04-01T10:00:00"})
    assert said(one).id != said(other).id
    assert said(one).id == said(taken({"occurrence_count": 99})).id


ANY = st.none() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.binary() | st.text()


@given(st.fixed_dictionaries(dict.fromkeys(COMPLETE, ANY)), st.fixed_dictionaries(dict.fromkeys(APPLICATION, ANY)))
def test_no_row_is_fatal(old_pattern: dict[str, object], old_application: dict[str, object]) -> None:
    """Any value that SQLite can hold, in any column: the row is a message, or skipped with a reason."""
    for found in (pattern(old_pattern, ZONE, KnownOutcomes()), application(old_application, ZONE)):
        assert (found.message is None) == (found.skipped is not None)


@given(st.sampled_from(sorted(COMPLETE)), ANY)
def test_no_value_is_fatal(name: str, value: object) -> None:
    """In an otherwise well-formed row."""
    found = taken({name: value})
    assert (found.message is None) == (found.skipped is not None)
