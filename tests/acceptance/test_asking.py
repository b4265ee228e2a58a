"""Asking a running Ostinato: how things stand, and what it has learnt."""

import json

import pytest

from ostinato.identity import pattern_id
from tests.product import Product

FIELDS = [
    *("id", "pattern_type", "pattern_name", "description", "context_tags", "suggested_action", "instrument_name"),
    *("provenance_job_hash", "provenance_sheet_num", "occurrence_count", "led_to_success_count"),
    *("led_to_failure_count", "first_seen", "last_seen", "last_confirmed", "effectiveness_score", "priority_score"),
    *("variance", "trust_score", "quarantine_status", "content_hash", "active"),
]
STATUS = [
    *("outbox", "queued", "received", "applied", "parked", "quarantined", "discarded", "replayed", "duplicates"),
    *("merges", "patterns", "patterns_active", "patterns_deleted", "patterns_never_applied", "sightings"),
    *("applications", "average_effectiveness", "last_recalculation", "balanced", "broker", "worker"),
]

FLAKY, MISSING, LONG = "test_login times out", "file not created", "line too long"
FLAKY_ID = pattern_id("flaky_test", FLAKY)
SAID = {
    "pattern_type": "flaky_test",
    "pattern_name": FLAKY,
    "description": "The page loads slowly.",
    "context_tags": ["ci", "login"],
    "suggested_action": "Wait for the page",
    "instrument_name": "pytest",
}
SENT: tuple[dict[str, object], ...] = (
    {"kind": "record_pattern", **SAID, "provenance": {"job_hash": "a1b2", "sheet_num": 3}},
    {
        "kind": "record_pattern",
        "pattern_type": "validation_failure",
        "pattern_name": MISSING,
        "context_tags": ["files"],
    },
    {"kind": "record_pattern", "pattern_type": "lint", "pattern_name": LONG, "instrument_name": "ruff"},
    *(
        {
            "kind": "record_pattern_application",
            "pattern_id": FLAKY_ID,
            "execution_id": f"run {number}",
            "pattern_led_to_success": True,
        }
        for number in range(3)
    ),
)


@pytest.fixture(scope="module")
def running(running: Product) -> Product:
    """Has three patterns, one of them applied three times with success; the tests only ask it."""
    lines = "".join(f"{json.dumps(message)}\n" for message in SENT)
    assert (0, "sent 6, bad 0\n") == running.cli("send", "-", stdin=lines)[:2]
    running.wait_for(applied=7)
    return running


def listed(product: Product, *options: str) -> list[str]:
    """The names of the patterns that `patterns list` shows with these options, in its order."""
    code, out, err = product.cli("patterns", "list", "--json", *options)
    assert (0, "") == (code, err)
    return [pattern["pattern_name"] for pattern in json.loads(out)]


def test_status_as_json(running: Product) -> None:
    """It has the documented names, and the numbers of what was sent."""
    code, out, err = running.cli("status", "--json")
    assert (0, "") == (code, err)
    found = json.loads(out)
    assert STATUS == list(found)
    expected = {"queued": 0, "received": 7, "applied": 7, "parked": 0, "quarantined": 0, "discarded": 0, "patterns": 3}
    assert expected == {name: found[name] for name in expected}
    assert [True, True, True] == [found["balanced"], found["broker"], found["worker"]]
    assert found["last_recalculation"].endswith("Z")


def test_status_in_words(running: Product) -> None:
    """Every fact on a line of its own, the ledger as a sum; broker and worker answer."""
    code, out, err = running.cli("status")
    assert (0, "") == (code, err)
    assert [name.replace("_", " ") for name in STATUS] == [line[:22].strip() for line in out.splitlines()]
    assert "7 = applied + parked + quarantined + discarded" in out.splitlines()[2]
    assert ["answers", "answers"] == [line.split()[-1] for line in out.splitlines()[-2:]]


def test_list_as_json(running: Product) -> None:
    """A pattern has exactly the documented fields, times in UTC, and the values that were sent."""
    [pattern] = running.cli("patterns", "list", "--json", "--type", "flaky_test").json()
    assert FIELDS == list(pattern)
    expected = {
        "id": FLAKY_ID,
        **SAID,
        "provenance_job_hash": "a1b2",
        "provenance_sheet_num": 3,
        "occurrence_count": 1,
        "led_to_success_count": 3,
        "led_to_failure_count": 0,
        "quarantine_status": "pending",
        "active": True,
    }
    assert expected == {name: pattern[name] for name in expected}
    assert [0.9625, 0.5775] == [round(pattern[name], 9) for name in ("effectiveness_score", "priority_score")]
    assert all(pattern[name].endswith("Z") for name in ("first_seen", "last_seen", "last_confirmed"))


def test_list_ranks_and_filters(running: Product) -> None:
    """By priority, then by the last sighting; every option leaves out what it says."""
    assert [FLAKY, LONG, MISSING] == listed(running)
    assert [FLAKY] == listed(running, "--limit", "1")
    assert [MISSING] == listed(running, "--type", "validation_failure")
    assert [FLAKY, MISSING] == listed(running, "--tag", "login", "--tag", "files")
    assert [FLAKY, MISSING] == listed(running, "--instrument", "pytest")
    assert [FLAKY] == listed(running, "--min-priority", "0.55")
    assert [] == listed(running, "--type", "nothing")


def test_list_in_words(running: Product) -> None:
    """It says what to do about each pattern; where there is none, how to go on."""
    table = running.cli("patterns", "list", "--type", "flaky_test", env={"COLUMNS": "200"}).out
    assert f"{FLAKY_ID[:8]}  flaky_test: {FLAKY}  Wait for the page" in table
    assert running.cli("patterns", "list", "--type", "nothing").out.startswith("No pattern matches")


def test_show_as_json(running: Product) -> None:
    """By the beginning of its id; the fields of a pattern, and its applications, newest first."""
    pattern = running.cli("patterns", "show", FLAKY_ID[:6], "--json").json()
    assert [*FIELDS, "applications"] == list(pattern)
    assert ["run 2", "run 1", "run 0"] == [each["execution_id"] for each in pattern["applications"]]


def test_show_in_words(running: Product) -> None:
    """Every field on a line, and the applications."""
    code, out, err = running.cli("patterns", "show", FLAKY_ID)
    assert (0, "") == (code, err)
    assert FIELDS == [line.split()[0] for line in out.splitlines()[: len(FIELDS)]]
    assert ["context_tags", "ci, login"] == [part.strip() for part in out.splitlines()[4].split(maxsplit=1)]
    assert 3 == out.count(" success run ")


def test_show_of_an_unknown_pattern_is_one_sentence(running: Product) -> None:
    """With exit code 1."""
    assert "No pattern is called 'ffffff'." == running.cli("patterns", "show", "ffffff").sentence(1)
