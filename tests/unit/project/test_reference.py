"""The pages of docs/reference say what the code does, and the JSON Schema means what the models mean."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, cast

import pytest
from jsonschema import Draft202012Validator

from ostinato.errors import MalformedMessage
from ostinato.messages import wire
from ostinato.messages.models import MESSAGES, ApplyBatch, Message
from tests.samples.envelopes import envelope
from worker.broker.envelope import opened
from worker.cli.demo.sample import sample_lines

ROOT = Path(__file__).resolve().parents[3]
REFERENCE = ROOT / "docs" / "reference"
ID = "01a2030c-f534-7000-b3fc-0040e3dcf7e0"
STAMPS = {"id": ID, "occurred_at": "2026-01-31T12:00:00Z"}
Json = dict[str, Any]

SIGHTING: Json = {"kind": "record_pattern", **STAMPS, "pattern_type": "timeout", "pattern_name": "test_login"}
APPLICATION: Json = {
    "kind": "record_pattern_application",
    **STAMPS,
    "pattern_id": "bc26dc4af26e61ff",
    "execution_id": "run-17",
    "pattern_led_to_success": True,
}
DELETE: Json = {"kind": "soft_delete_pattern", **STAMPS, "pattern_id": "bc26dc4af26e61ff"}
IMPORT: Json = SIGHTING | {"kind": "import_pattern", "pattern_id": "x", "first_seen": "2026-01-31T12:00:00Z"}
RECALCULATION: Json = {"kind": "recalculate_all_pattern_priorities", **STAMPS}
BATCH: Json = {"kind": "apply_batch", **STAMPS, "messages": [SIGHTING, APPLICATION, DELETE]}
FACE = "\N{GRINNING FACE}"
TAGS = {"context_tags": [FACE * 200] * 64}

GOOD: list[Json] = [
    SIGHTING,
    SIGHTING | {"id": ID.upper(), "occurred_at": "2026-01-31T12:00:00.123456789+23:59"},
    SIGHTING | {"pattern_type": "x" * 100, "pattern_name": "x" * 500, "description": "x" * 10_000},
    SIGHTING | {"description": "two\n\tlines", "suggested_action": "", "context_tags": []},
    SIGHTING | {"pattern_name": f"{FACE}\u200d \u05d0 \u0130 a\u0301", "context_tags": ["x" * 200] * 64},
    SIGHTING | {"description": None, "context_tags": None, "provenance": None, "fingerprint": None},
    SIGHTING | {"provenance": {}},
    SIGHTING | {"provenance": {"job_hash": "x" * 200, "sheet_num": 2_147_483_647}, "instrument_name": "x" * 200},
    APPLICATION | {"retry_count_before": 0, "retry_count_after": 1_000_000, "application_mode": "exploration"},
    APPLICATION | {"validation_passed": False, "grounding_confidence": 1, "execution_id": ""},
    APPLICATION | {"validation_passed": None, "grounding_confidence": -0.0},
    DELETE,
    DELETE | {"kind": "update_pattern_effectiveness", "pattern_id": "x" * 200},
    IMPORT | {"occurrence_count": 10**12, "variance": 1, "quarantine_status": "retired", "active": False},
    RECALCULATION,
    BATCH,
    BATCH | {"messages": [SIGHTING] * 500},
]
BAD: list[tuple[str, Json]] = [
    ("id_type", SIGHTING | {"id": ID.replace("-", "")}),
    ("id_type", SIGHTING | {"id": f"{ID[:-1]}g"}),
    ("id_type", SIGHTING | {"id": None}),
    ("occurred_at_type", SIGHTING | {"occurred_at": "2026-01-31T12:00:00"}),
    ("occurred_at_type", SIGHTING | {"occurred_at": "2026-01-31"}),
    ("occurred_at_type", SIGHTING | {"occurred_at": 1_769_860_800}),
    ("occurred_at_type", SIGHTING | {"occurred_at": "1769860800"}),
    ("occurred_at_type", SIGHTING | {"occurred_at": "1769860800000"}),
    ("occurred_at_type", SIGHTING | {"occurred_at": "20260131T120000Z"}),
    ("id_missing", {key: value for key, value in SIGHTING.items() if key != "id"}),
    ("occurred_at_missing", {key: value for key, value in SIGHTING.items() if key != "occurred_at"}),
    ("pattern_name_missing", {key: value for key, value in SIGHTING.items() if key != "pattern_name"}),
    ("unknown_field", SIGHTING | {"severity": 3}),
    ("unknown_field", SIGHTING | {"provenance": {"sheet": 3}}),
    ("pattern_type_length", SIGHTING | {"pattern_type": ""}),
    ("pattern_type_length", SIGHTING | {"pattern_type": "x" * 101}),
    ("pattern_name_length", SIGHTING | {"pattern_name": "x" * 501}),
    ("pattern_name_characters", SIGHTING | {"pattern_name": "two\nlines"}),
    ("pattern_name_characters", SIGHTING | {"pattern_name": "\u0085"}),
    ("description_length", SIGHTING | {"description": "x" * 10_001}),
    ("description_characters", SIGHTING | {"description": "\0"}),
    ("description_characters", SIGHTING | {"description": "two\r\nlines"}),
    ("context_tags_count", SIGHTING | {"context_tags": ["x"] * 65}),
    ("context_tags_type", SIGHTING | {"context_tags": "x"}),
    ("context_tag_length", SIGHTING | {"context_tags": ["x", ""]}),
    ("sheet_num_range", SIGHTING | {"provenance": {"sheet_num": 2_147_483_648}}),
    ("sheet_num_type", SIGHTING | {"provenance": {"sheet_num": "1"}}),
    ("pattern_led_to_success_type", APPLICATION | {"pattern_led_to_success": "false"}),
    ("pattern_led_to_success_type", APPLICATION | {"pattern_led_to_success": 1}),
    ("retry_count_before_range", APPLICATION | {"retry_count_before": -1}),
    ("retry_count_after_range", APPLICATION | {"retry_count_after": 1_000_001}),
    ("retry_count_after_type", APPLICATION | {"retry_count_after": None}),
    ("retry_count_after_type", APPLICATION | {"retry_count_after": True}),
    ("application_mode_value", APPLICATION | {"application_mode": "guess"}),
    ("grounding_confidence_range", APPLICATION | {"grounding_confidence": 1.01}),
    ("grounding_confidence_type", APPLICATION | {"grounding_confidence": True}),
    ("pattern_id_length", DELETE | {"pattern_id": ""}),
    ("first_seen_missing", {key: value for key, value in IMPORT.items() if key != "first_seen"}),
    ("occurrence_count_range", IMPORT | {"occurrence_count": 10**12 + 1}),
    ("quarantine_status_value", IMPORT | {"quarantine_status": "gone"}),
    ("unknown_field", RECALCULATION | {"pattern_id": "x"}),
    ("messages_count", BATCH | {"messages": []}),
    ("messages_count", BATCH | {"messages": [SIGHTING] * 501}),
    ("unknown_kind", BATCH | {"messages": [SIGHTING, RECALCULATION]}),
    ("id_missing", BATCH | {"messages": [{"kind": "soft_delete_pattern", "pattern_id": "x"}]}),
]
# What the schema cannot say, and its description does.
BEYOND: list[tuple[str, Json]] = [
    ("retry_count_after_type", APPLICATION | {"retry_count_after": 1.0}),
    ("pattern_name_characters", SIGHTING | {"pattern_name": "\ud800"}),
    ("occurred_at_type", SIGHTING | {"occurred_at": "2026-02-30T12:00:00Z"}),
    ("message_too_large", SIGHTING | dict.fromkeys(("description", "suggested_action"), FACE * 10_000) | TAGS),
    ("batch_too_large", BATCH | {"messages": [SIGHTING | {"description": FACE * 10_000}] * 13}),
]
# Enough ways of being wrong for every way that there is.
WRONG: tuple[Any, ...] = (
    None,
    {},
    "x",
    "",
    "x" * 10_001,
    "\0",
    True,
    1,
    1.5,
    -1,
    10**12,
    [],
    ["x"] * 65,
    [1],
    [""],
    ["\0"],
)


@pytest.fixture(scope="module")
def valid() -> Callable[[Json], bool]:
    """Whether a message passes the committed JSON Schema, which itself is valid."""
    document = json.loads((REFERENCE / "messages.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(document)
    # Some of its types are those of a package that need not be there.
    validator: Any = Draft202012Validator(document)
    return cast("Callable[[Json], bool]", validator.is_valid)


def refusal(message: Json) -> str | None:
    """The reason code that the worker has for a message that comes as its kind's task; None if it takes it."""
    model: type[Message] = MESSAGES[message["kind"]]
    text = json.dumps(message)
    items = wire.items("apply_batch", text) if model is ApplyBatch else [wire.item(model, text)]
    return next((item.reason_code for item in items if isinstance(item, wire.Unreadable)), None)


def make_reference(root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the script of a checkout."""
    script = str(root / "scripts" / "make_reference.py")
    return subprocess.run([sys.executable, script, *options], capture_output=True, text=True, check=False)


def test_the_check_finds_a_difference_and_nothing_else(tmp_path: Path) -> None:
    """A page that was edited or is missing is named and left; made again, each page is the one of this checkout."""
    for folder in ("worker", "tasks", "store", "client", "scripts", "docs/reference"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    made = tmp_path / "docs" / "reference"
    edited, missing = made / "settings.md", made / "cli.md"
    edited.write_text("edited")
    missing.unlink()

    found = make_reference(tmp_path, "--check")
    assert (1, "edited", False) == (found.returncode, edited.read_text(), missing.exists())
    assert {edited.name, missing.name} == set(re.findall(r"[\w-]+\.(?:md|json)", found.stderr))
    assert 0 == make_reference(tmp_path).returncode
    pages = [*REFERENCE.iterdir()]
    assert [] == [each.name for each in pages if each.read_bytes() != (made / each.name).read_bytes()]


@pytest.mark.parametrize("message", GOOD)
def test_schema_and_models_take_what_is_good(valid: Callable[[Json], bool], message: Json) -> None:
    """A good message, each limit reached, passes both."""
    assert (True, None) == (valid(message), refusal(message))


@pytest.mark.parametrize(("code", "message"), BAD)
def test_schema_and_models_refuse_what_is_bad(valid: Callable[[Json], bool], code: str, message: Json) -> None:
    """A bad message, each limit passed by one, is refused by both; the models say why."""
    assert (False, code) == (valid(message), refusal(message))


@pytest.mark.parametrize(("code", "message"), BEYOND)
def test_what_the_schema_cannot_say_the_models_refuse(valid: Callable[[Json], bool], code: str, message: Json) -> None:
    """The few things that only the schema's description says are refused by the worker."""
    assert (True, code) == (valid(message), refusal(message))


def test_schema_and_models_take_the_sample(valid: Callable[[Json], bool]) -> None:
    """Every 25th line of the sample passes both, once it has an id and a time."""
    messages = [json.loads(line) | STAMPS for line in islice(sample_lines(), 0, None, 25)]

    assert {(True, None)} == {(valid(message), refusal(message)) for message in messages}


def test_the_schema_wants_what_the_task_name_says_too(valid: Callable[[Json], bool]) -> None:
    """No message passes without its kind, or with two."""
    assert [False, False] == [valid({**SIGHTING, "kind": kind}) for kind in (None, "apply_batch")]
    assert not valid({key: value for key, value in DELETE.items() if key != "kind"})


def test_the_codes_of_fields_are_those_that_fields_get() -> None:
    """Whatever is wrong with a field, its code is on the page, and each on the page is one that a field got."""
    page = (REFERENCE / "reason-codes.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `\w+` \| .* \| (`.*`) \|$", page, re.MULTILINE)
    listed = {code for row in rows for code in re.findall(r"`(\w+)`", row)}

    assert listed == set(_codes_got()) - {"unknown_field", "not_an_object"}


def _codes_got() -> Iterator[str]:
    whole: Json = SIGHTING | {"provenance": {"job_hash": "x", "sheet_num": 1}}
    for message in (whole, APPLICATION, DELETE, IMPORT, RECALCULATION, BATCH):
        model: type[Message] = MESSAGES[message["kind"]]
        for name in model.model_fields:
            for value in WRONG:
                yield from _codes_of(model, message | {name: value})
            yield from _codes_of(model, {key: kept for key, kept in message.items() if key != name})
    for name in ("job_hash", "sheet_num"):
        for value in WRONG:
            yield from _codes_of(MESSAGES["record_pattern"], SIGHTING | {"provenance": {name: value}})


def _codes_of(model: type[Message], message: Json) -> Iterator[str]:
    text = json.dumps(message)
    for item in wire.items("apply_batch", text) if model is ApplyBatch else [wire.item(model, text)]:
        if isinstance(item, wire.Unreadable):
            yield item.reason_code


def test_the_codes_of_envelopes_are_those_that_envelopes_get() -> None:
    """Each code of the door on the page is one that it gives, and the reverse."""
    page = (REFERENCE / "reason-codes.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `(envelope_\w+|unknown_task)` \|", page, re.MULTILINE))
    headers: Json = {"task": "record_pattern", "id": ID}
    unwanted = ("eta", "expires", "compression", "group", "retries", "timelimit", "stamped_headers")
    bad_headers = [None, {"id": ID}, {"task": "record_pattern"}, *(headers | {name: "x"} for name in unwanted)]
    bad_bodies = ["{", *(json.dumps([[], {}, {name: ["x"]}]) for name in ("callbacks", "errbacks", "chain", "chord"))]
    good = envelope("[[], {}, {}]")
    wrong: list[Json] = [
        *(good | {"headers": each} for each in bad_headers),
        *(envelope(body) for body in bad_bodies),
        good | {"content-type": "application/x-python-serialize"},
        good | {"properties": {}},
        good | {"properties": good["properties"] | {"body_encoding": "x"}},
        envelope("x" * 4_000_000),
    ]
    raws = [b"{", b"[]", *(json.dumps(each).encode() for each in wrong)]

    assert listed == set(map(_refused, raws))


def _refused(raw: bytes) -> str:
    with pytest.raises(MalformedMessage) as refused:
        opened(raw)
    return refused.value.reason_code
