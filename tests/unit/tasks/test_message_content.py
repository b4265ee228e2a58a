"""A message's canonical JSON: what is sent, kept and compared (spec section 4)."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta, timezone
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ostinato.messages.models import BATCH_MEMBERS, MESSAGES, BatchMember
from ostinato.messages.wire import make, read_line
from ostinato.times import from_micros
from tasks.events import effect

PRINTABLE = st.characters(exclude_categories=("Cc", "Cs"))
LINE = st.text(PRINTABLE, max_size=9)
NAME = st.text(PRINTABLE, min_size=1, max_size=9)
LINES = st.text(PRINTABLE | st.sampled_from("\t\n"), max_size=9)
COUNT = st.integers(0, 1_000_000)
SHARE = st.none() | st.floats(0, 1)
ZONES = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=ZONES).map(datetime.isoformat)  # noqa: DTZ001 - it has one
COMMON = {"id": st.uuids().map(str), "occurred_at": MOMENTS}
NAMED = COMMON | {"pattern_id": NAME}
PROVENANCE = st.fixed_dictionaries({}, optional={"job_hash": st.none() | LINE, "sheet_num": st.none() | COUNT})
SIGHTING = {
    "description": st.none() | LINES,
    "context_tags": st.none() | st.lists(NAME, max_size=3),
    "suggested_action": st.none() | LINES,
    "provenance": st.none() | PROVENANCE,
    "instrument_name": st.none() | LINE,
    "fingerprint": st.none() | LINE,
}
APPLICATION = {
    "retry_count_before": COUNT,
    "retry_count_after": COUNT,
    "application_mode": st.sampled_from(["exploration", "exploitation"]),
    "validation_passed": st.none() | st.booleans(),
    "grounding_confidence": SHARE | st.sampled_from([0, 1, -0.0]),
}
OUTCOME = NAMED | {"execution_id": LINE, "pattern_led_to_success": st.booleans()}


def valid(
    kind: str, fields: Mapping[str, Any], more: Mapping[str, Any] | None = None
) -> st.SearchStrategy[dict[str, Any]]:
    """Any valid message of a kind as JSON knows it."""
    return st.fixed_dictionaries({"kind": st.just(kind), **fields}, optional=dict(more or {}))


MEMBERS = (
    valid("record_pattern", COMMON | {"pattern_type": NAME, "pattern_name": NAME}, SIGHTING)
    | valid("record_pattern_application", OUTCOME, APPLICATION)
    | valid("soft_delete_pattern", NAMED)
    | valid("update_pattern_effectiveness", NAMED)
)
BATCHES = valid("apply_batch", COMMON | {"messages": st.lists(MEMBERS, min_size=1, max_size=3)})


@given(MEMBERS | BATCHES | valid("recalculate_all_pattern_priorities", COMMON))
def test_any_message_survives_the_wire(fields: dict[str, Any]) -> None:
    """What is read is what was sent, and its content does not depend on how the JSON was written (spec 4)."""
    message = make(MESSAGES[fields["kind"]], fields)
    text = message.content()

    assert message == read_line(text)
    for indent, ascii_only in ((None, True), (1, False)):
        assert text == read_line(json.dumps(fields, indent=indent, ensure_ascii=ascii_only, sort_keys=True)).content()


@given(MEMBERS)
def test_an_event_says_what_its_message_says(fields: dict[str, Any]) -> None:
    """The store is told every field of the message, and its content (spec 5.2: every field of the message)."""
    model: type[Any] = BATCH_MEMBERS[fields["kind"]]
    message: BatchMember = make(model, fields)
    where: dict[str, Any] = fields.get("provenance") or {}
    event = asdict(effect(message))
    flat = message.model_dump(exclude={"id", "occurred_at", "kind", "provenance"})

    assert (str(message.id), message.KIND, message.content()) == (event["id"], event["kind"], event["content"])
    assert datetime.fromisoformat(fields["occurred_at"]) == from_micros(event["occurred_at"])
    assert flat == {name: event[name] for name in flat}
    assert where.get("job_hash") == event.get("provenance_job_hash")
    assert where.get("sheet_num") == event.get("provenance_sheet_num")
