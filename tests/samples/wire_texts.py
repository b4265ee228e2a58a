"""Messages as JSON texts, and what is made of them."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from ostinato.errors import MalformedMessage
from ostinato.messages.models import RecordPattern
from ostinato.messages.wire import Unreadable, make

ID = "01900000-0000-7000-8000-000000000001"
COMMON = {"id": ID, "occurred_at": "2026-01-31T12:00:00Z"}
SIGHTING = {"kind": "record_pattern", **COMMON, "pattern_type": "T", "pattern_name": "n"}
APPLICATION = {
    "kind": "record_pattern_application",
    **COMMON,
    "pattern_id": "p",
    "execution_id": "e",
    "pattern_led_to_success": True,
}
DELETE = {"kind": "soft_delete_pattern", **COMMON, "pattern_id": "p"}
DIGITS = "7" * 5_000
LINES = [
    json.dumps(fields)
    for fields in (
        SIGHTING,
        APPLICATION,
        DELETE,
        {**DELETE, "kind": "update_pattern_effectiveness"},
        {**SIGHTING, "kind": "import_pattern", "pattern_id": "p", "first_seen": COMMON["occurred_at"]},
        {**COMMON, "kind": "recalculate_all_pattern_priorities"},
        {**COMMON, "kind": "apply_batch", "messages": [DELETE]},
    )
]


def as_json(fields: dict[str, Any], **changes: object) -> str:
    """The message as JSON; a change to ... takes a field away."""
    return json.dumps({name: value for name, value in (fields | changes).items() if value is not ...})


def batch_of(*members: object, **changes: object) -> str:
    """A batch of these as JSON."""
    return as_json({"kind": "apply_batch", **COMMON, "messages": members}, **changes)


def sized(text: str, size: int) -> str:
    """The same JSON in this many bytes."""
    return text + " " * (size - len(text.encode()))


def refusal(attempt: Callable[[], object]) -> str:
    """The reason code with which something is refused, with a detail that fits any log."""
    with pytest.raises(MalformedMessage) as refused:
        attempt()
    assert refused.value.detail.isprintable()
    assert len(refused.value.detail) <= 1_000
    return refused.value.reason_code


def reasons(items: Sequence[object]) -> list[str | None]:
    """The reason codes of a batch's members, None for those that can be applied."""
    return [item.reason_code if isinstance(item, Unreadable) else None for item in items]


def large_message(size: int) -> RecordPattern:
    """A sighting whose content has this many bytes: 127 000 or some more."""
    four = "\U0001f600"
    fields = {"pattern_type": "T", "pattern_name": "n", "description": four * 10_000, "suggested_action": four * 10_000}
    tags = [four * 200] * 57
    rest = size - len(make(RecordPattern, {**COMMON, **fields, "context_tags": [*tags, "x"]}).content().encode())
    while rest > 803:
        tags.append(four * 200)
        rest -= 803
    while rest > 199:
        tags.append("x" * 197)
        rest -= 200
    return make(RecordPattern, {**COMMON, **fields, "context_tags": [*tags, "x" * (rest + 1)]})
