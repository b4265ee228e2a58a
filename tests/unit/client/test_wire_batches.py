"""Batches that arrive: each message by itself (spec section 4)."""

import json

import pytest

from ostinato.messages import wire
from ostinato.messages.models import ApplyBatch, RecordPattern, SoftDeletePattern
from ostinato.messages.wire import Unreadable
from tests.samples.wire_texts import DELETE, LINES, SIGHTING, batch_of, large_message, reasons, refusal, sized


@pytest.mark.parametrize(("over", "code"), [(-1, None), (0, None), (1, "batch_too_large")])
def test_a_batch_has_at_most_512_kilobytes(over: int, code: str | None) -> None:
    """A producer splits by it (spec 4, limits)."""
    text = sized(batch_of(SIGHTING), 512_000 + over)
    if code:
        assert [code] == reasons(wire.items("apply_batch", text))
        assert code == refusal(lambda: wire.read_line(text))
    else:
        assert [None] == reasons(wire.items("apply_batch", text))
        assert "apply_batch" == wire.read_line(text).KIND


def test_in_a_batch_a_message_may_be_as_large_as_alone() -> None:
    """A batch is applied as if its messages were sent one by one (spec 4)."""
    message = large_message(128_000)

    assert [None] == reasons(wire.items("apply_batch", ApplyBatch(messages=[message]).content()))
    assert ["message_too_large"] == reasons(
        wire.items("apply_batch", ApplyBatch(messages=[large_message(128_001)]).content())
    )


@pytest.mark.parametrize(("count", "accepted"), [(0, False), (1, True), (499, True), (500, True), (501, False)])
def test_a_batch_holds_up_to_500_messages(count: int, accepted: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """And at least one (spec 4)."""
    text = batch_of(*[DELETE] * count)
    if accepted:
        assert [None] * count == reasons(wire.items("apply_batch", text))
    else:
        assert ["messages_count"] == reasons(wire.items("apply_batch", text))
        assert "messages_count" == refusal(lambda: wire.read_line(text))


def test_equal_texts_without_an_id_are_told_apart() -> None:
    """Each of them is a message; texts with the same id are one (spec 7: sent = applied + parked + quarantined)."""
    nameless, known = {"kind": "record_pattern"}, {"kind": "record_pattern", "id": "x"}
    items = wire.items("apply_batch", batch_of(nameless, known, SIGHTING, nameless, known, nameless))

    assert [0, 0, 1, 0, 2] == [each.copy for each in items if isinstance(each, Unreadable)]


def test_a_bad_message_among_good_ones_stands_alone() -> None:
    """The others of its batch are applied, in their order; it is kept whole with its reason (spec 4, 5)."""
    bad = {**SIGHTING, "pattern_name": "", "id": "nobody's"}
    items = wire.items("apply_batch", batch_of(SIGHTING, bad, DELETE))

    assert [RecordPattern, Unreadable, SoftDeletePattern] == [type(each) for each in items]
    rejected = items[1]
    assert isinstance(rejected, Unreadable)
    assert ("id_type", "nobody's") == (rejected.reason_code, rejected.message_id)
    assert bad == json.loads(rejected.raw)


@pytest.mark.parametrize(
    ("member", "code"),
    [
        (json.loads(LINES[5]), "unknown_kind"),
        (json.loads(LINES[6]), "unknown_kind"),
        ({**SIGHTING, "kind": None}, "unknown_kind"),
        ({**SIGHTING, "color": "red"}, "unknown_field"),
        (None, "not_an_object"),
        ([SIGHTING], "not_an_object"),
        ("text", "not_an_object"),
        (7, "not_an_object"),
        ({}, "unknown_kind"),
    ],
)
def test_a_batch_holds_messages_that_change_patterns(member: object, code: str) -> None:
    """Neither a batch nor a recalculation nor anything else (spec 4)."""
    assert [code, None] == reasons(wire.items("apply_batch", batch_of(member, DELETE)))


@pytest.mark.parametrize("messages", [..., None, {}, "text", {"0": DELETE}], ids=repr)
def test_a_batch_is_a_list(messages: object) -> None:
    """The batch as a whole is refused (spec 4)."""
    assert ["messages_count"] == reasons(wire.items("apply_batch", batch_of(messages=messages)))


@pytest.mark.parametrize("first", ["1", '{"a": [1]}', '"x]"', "[1, 2]", "[]"])
def test_of_a_key_that_stands_there_twice_the_last_one_counts(first: str) -> None:
    """As in any JSON text that Python reads."""
    text = batch_of(SIGHTING).replace('"messages":', f'"messages": {first}, "messages":', 1)
    assert [None] == reasons(wire.items("apply_batch", text))


def test_a_batch_has_no_other_fields() -> None:
    """Unknown fields are an error, also here (spec 4)."""
    assert ["unknown_field"] == reasons(wire.items("apply_batch", batch_of(DELETE, color="red")))
    assert ["kind_value"] == reasons(wire.items("apply_batch", batch_of(DELETE, kind="record_pattern")))


@pytest.mark.parametrize("value", ["7" * 50, "1e999", '"\\ud800"'], ids=lambda value: value[:9])
def test_a_bad_message_of_a_batch_is_kept_as_it_was_written(value: str) -> None:
    """So that it can be sent again, as it is or mended (spec 2, quarantined: kept whole)."""
    member = f'{{"kind": "soft_delete_pattern", "unknown": {value}}}'
    (kept,) = wire.items("apply_batch", batch_of(0).replace("[0]", f"[{member}]"))

    assert isinstance(kept, Unreadable)
    assert member.encode() == kept.raw
