"""What arrives, read or refused with a reason code (spec section 4)."""

import json
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostinato.errors import MalformedMessage
from ostinato.messages import wire
from ostinato.messages.models import BATCH_MEMBERS, MESSAGES, ApplyBatch, RecordPattern, RecordPatternApplication
from ostinato.messages.wire import Unreadable
from tests.samples.wire_texts import (
    APPLICATION,
    DIGITS,
    ID,
    LINES,
    SIGHTING,
    as_json,
    batch_of,
    large_message,
    reasons,
    refusal,
    sized,
)


@pytest.mark.parametrize("name", ["id", "occurred_at"])
def test_a_message_on_the_wire_has_id_and_time(name: str) -> None:
    """Made once by the producer: a worker that filled them in would apply a message twice (spec 4)."""
    assert f"{name}_missing" == refusal(lambda: wire.read(RecordPattern, as_json(SIGHTING, **{name: ...})))
    assert f"{name}_type" == refusal(lambda: wire.read(RecordPattern, as_json(SIGHTING, **{name: None})))
    assert [f"{name}_missing"] == reasons(
        wire.items("apply_batch", batch_of(json.loads(as_json(SIGHTING, **{name: ...}))))
    )
    assert [f"{name}_missing"] == reasons(wire.items("apply_batch", batch_of(SIGHTING, **{name: ...})))


def test_a_line_of_a_file_need_not_have_them() -> None:
    """Its reader is the producer, and fills them in (spec 4)."""
    message = wire.read_line(as_json(SIGHTING, id=..., occurred_at=...))

    assert 7 == message.id.version
    assert message.occurred_at.tzinfo is not None
    assert "id_type" == refusal(lambda: wire.read_line(as_json(SIGHTING, id=None)))


def test_a_line_of_a_file_says_what_it_is() -> None:
    """Every kind is known, and nothing else (spec 4)."""
    assert list(MESSAGES) == [wire.read_line(text).KIND for text in LINES]
    kinds: list[object] = [..., None, "pattern", ["record_pattern"], {}, "\ud800"]
    texts = [as_json(SIGHTING, kind=kind) for kind in kinds]
    assert {"unknown_kind"} == {refusal(partial(wire.read_line, text)) for text in texts}


@pytest.mark.parametrize("value", ["", "x", 1, "0" * 32, "0" * 36, f"{{{ID}}}", f"urn:uuid:{ID}", [ID], True], ids=repr)
def test_an_id_is_a_uuid(value: object) -> None:
    """Of 36 characters, so that one id has one spelling but for its case (spec 4)."""
    assert "id_type" == refusal(lambda: wire.read(RecordPattern, as_json(SIGHTING, id=value)))
    assert ID == str(wire.read(RecordPattern, as_json(SIGHTING, id=ID.upper())).id)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "now",
        "2026-01-31",
        "2026-01-31T12:00:00",
        "2026-02-30T12:00:00Z",
        "2026-01-31T25:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "1769860800",
        "1769860800000",
        "1769860800.000000",
        "-1769860800.5",
        0,
        1769860800,
        1769860800.5,
        True,
        [],
        {},
    ],
    ids=repr,
)
def test_a_time_is_iso_8601_with_an_offset(value: object) -> None:
    """Neither naive times nor dates nor numbers are, and one that is before year 1 in UTC is none (spec 4)."""
    assert "occurred_at_type" == refusal(lambda: wire.read(RecordPattern, as_json(SIGHTING, occurred_at=value)))


@pytest.mark.parametrize(
    ("value", "utc"),
    [
        ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z"),
        ("2026-01-31T12:00:00.5+05:45", "2026-01-31T06:15:00.500000Z"),
        ("2026-01-31T00:00:00-00:30", "2026-01-31T00:30:00Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_times_are_kept_in_utc(value: str, utc: str) -> None:
    """One moment has one spelling, whatever offset it came with (spec 4, spec 6: times are stored in UTC)."""
    message = wire.read(RecordPattern, as_json(SIGHTING, occurred_at=value))

    assert utc == json.loads(message.content())["occurred_at"]


@pytest.mark.parametrize(("over", "code"), [(-1, None), (0, None), (1, "message_too_large")])
def test_a_message_has_at_most_128_kilobytes(over: int, code: str | None) -> None:
    """On the wire, in a file and in a batch (spec 4, limits)."""
    text = sized(as_json(SIGHTING), 128_000 + over)
    if code:
        assert code == refusal(lambda: wire.read(RecordPattern, text))
        assert code == refusal(lambda: wire.read_line(text))
    else:
        assert wire.read(RecordPattern, text) == wire.read_line(text)


def test_what_the_history_keeps_can_be_sent_again() -> None:
    """A text that is just short enough is refused if its canonical form, which is kept, is not (spec 4, limits)."""
    text = large_message(128_001).content().replace("T12:00:00Z", "T12:00Z")
    assert 127_998 == len(text.encode())
    assert "message_too_large" == refusal(lambda: wire.read(RecordPattern, text))
    assert ["message_too_large"] == reasons(wire.items("apply_batch", batch_of(json.loads(text))))


def test_a_recorded_message_is_read_as_it_was_written() -> None:
    """Whatever its kind; a batch is none, it is recorded as its members (spec 5)."""
    for text in LINES:
        message = wire.read_line(text)
        if message.KIND == ApplyBatch.KIND:
            assert "unknown_kind" == refusal(partial(wire.read_recorded, message.content()))
        else:
            assert message == wire.read_recorded(message.content())


def test_the_producer_refuses_what_the_worker_would() -> None:
    """The size of a message is checked before it is sent (spec 4, limits)."""
    for size in (127_999, 128_000):
        assert size == len(wire.encode(large_message(size)).encode())
    assert "message_too_large" == refusal(lambda: wire.encode(large_message(128_001)))
    batch = ApplyBatch(messages=[large_message(127_000)] * 5)
    assert "batch_too_large" == refusal(lambda: wire.encode(batch))


@pytest.mark.parametrize(
    ("text", "code"),
    [("null", "not_an_object"), ("[]", "not_an_object"), ('"text"', "not_an_object"), ("7", "not_an_object")]
    + [(each, "not_json") for each in ("", " ", "{", "'", "{]", "[" * 100_000, '{"a":' * 20_000, "\ud800", "\0")],
    ids=lambda text: ascii(text[:9]),
)
def test_what_is_no_json_object_is_no_message(text: str, code: str) -> None:
    """Whatever it is instead, it is refused with a reason (spec 4)."""
    for attempt in (
        lambda: wire.read(RecordPattern, text),
        lambda: wire.read_line(text),
    ):
        assert code == refusal(attempt)


@pytest.mark.parametrize("field", ["retry_count_before", "grounding_confidence"])
@pytest.mark.parametrize(
    "number", ["NaN", "Infinity", "-Infinity", "1e999", DIGITS, f"-{DIGITS}"], ids=lambda text: text[:9]
)
def test_a_number_that_is_none_is_refused_where_it_stands(field: str, number: str) -> None:
    """Not finite, or longer than Python reads: the reason names the field (spec 4, limits)."""
    text = as_json(APPLICATION, **{field: 0}).replace(f'"{field}": 0', f'"{field}": {number}')

    assert refusal(lambda: wire.read(RecordPatternApplication, text)) in {f"{field}_range", f"{field}_type"}


@pytest.mark.parametrize("digits", [40, 41, 200])
@pytest.mark.parametrize("field", ["pattern_name", "description", "fingerprint"])
def test_a_number_is_no_text_however_long(field: str, digits: int) -> None:
    """A message that is accepted is stored as it was sent (spec 4)."""
    text = as_json(SIGHTING, **{field: 0}).replace(f'"{field}": 0', f'"{field}": {"7" * digits}')

    assert f"{field}_type" == refusal(lambda: wire.read(RecordPattern, text))


@pytest.mark.parametrize("kind", ["record_pattern", "apply_batch"])
@pytest.mark.parametrize("text", ["", "\ud800", "nö", "[1]", '{"id": 7}'])
def test_a_text_that_is_no_message_is_kept_whole(text: str, kind: str) -> None:
    """Byte for byte, with the id it claims if that can be read (spec 2, quarantined)."""
    (kept,) = wire.items(kind, text)

    assert isinstance(kept, Unreadable)
    assert text == kept.raw.decode(errors="surrogatepass")
    assert kept.reason_code.isidentifier()
    assert kept.message_id is None


def test_the_id_that_an_unreadable_text_claims_fits_any_log() -> None:
    """What cannot be printed stands as an escape."""
    (kept,) = wire.items("record_pattern", '{"id": "\\ud800\\n"}')

    assert isinstance(kept, Unreadable)
    assert "\\ud800\\n" == kept.message_id


TEXTS = st.text(st.characters() | st.sampled_from("\0\ud800\x1b"), max_size=9)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | st.just(int(DIGITS[:4000]))
VALUES = st.recursive(
    SCALARS, lambda each: st.lists(each, max_size=3) | st.dictionaries(TEXTS, each, max_size=3), max_leaves=6
)
FIELDS = [*sorted({name for model in MESSAGES.values() for name in model.model_fields}), "self", "model", "\ud800"]


def read_or_refused(read: Callable[[str], object], text: str) -> None:
    """Fails for any error but that of a malformed message."""
    try:
        assert read(text)
    except MalformedMessage as error:
        assert error.reason_code.isidentifier()  # noqa: PT017 - it may be read as well


@given(st.sampled_from([*LINES, "{}"]), st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=3))
def test_nothing_that_arrives_is_an_error_of_ours(line: str, changes: dict[str, object]) -> None:
    """Any JSON is a message or malformed, alone and in a batch, and what is malformed can be kept (spec 4)."""
    text = json.dumps(json.loads(line) | changes)
    for model in MESSAGES.values():
        read_or_refused(partial(wire.read, model), text)
    read_or_refused(wire.read_line, text)
    for kind in (*BATCH_MEMBERS, "apply_batch"):
        assert wire.items(kind, text)
    assert wire.items("apply_batch", batch_of(json.loads(text)))
