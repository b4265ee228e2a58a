"""The messages, their limits and their wire format (spec section 4)."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from ostinato.errors import MalformedMessage
from ostinato.messages.models import (
    BATCH_MEMBERS,
    MESSAGES,
    ApplyBatch,
    ImportPattern,
    Provenance,
    RecalculateAllPatternPriorities,
    RecordPattern,
    RecordPatternApplication,
    SoftDeletePattern,
    UpdatePatternEffectiveness,
)
from ostinato.messages.wire import make
from tests.model.limits import MOST, TEXTS

ID = UUID("01900000-0000-7000-8000-000000000001")
EXAMPLES = {
    "record_pattern": RecordPattern(id=ID, pattern_type="validation_failure", pattern_name="file not created"),
    "record_pattern_application": RecordPatternApplication(
        id=ID, pattern_id="p", execution_id="e", pattern_led_to_success=False
    ),
    "soft_delete_pattern": SoftDeletePattern(id=ID, pattern_id="p"),
    "update_pattern_effectiveness": UpdatePatternEffectiveness(id=ID, pattern_id="p"),
    "import_pattern": ImportPattern(
        id=ID,
        pattern_id="p",
        pattern_type="validation_failure",
        pattern_name="file not created",
        occurrence_count=3,
        first_seen=datetime(2026, 1, 1, tzinfo=UTC),
    ),
    "recalculate_all_pattern_priorities": RecalculateAllPatternPriorities(id=ID),
    "apply_batch": ApplyBatch(id=ID, messages=[SoftDeletePattern(pattern_id="p")]),
}
SUMMARIES = {
    "record_pattern": "validation_failure: file not created",
    "record_pattern_application": "p on e: failure",
    "soft_delete_pattern": "p",
    "update_pattern_effectiveness": "p",
    "import_pattern": "validation_failure: file not created",
    "recalculate_all_pattern_priorities": "all patterns",
    "apply_batch": "1 messages",
}
LONG_TEXTS = ("description", "suggested_action")


def made(field: str, value: object) -> dict[str, Any]:
    """The message that has this value in this field, as JSON knows it; MalformedMessage if the value is wrong."""
    fields: dict[str, object] = {field: value}
    if field in {"job_hash", "sheet_num"}:
        fields = {"provenance": fields}
    if field == "context_tag":
        fields = {"context_tags": ["first", value]}
    if field in RecordPatternApplication.model_fields:
        rest = {"pattern_id": "p", "execution_id": "e", "pattern_led_to_success": True}
        return make(RecordPatternApplication, {**rest, **fields}).model_dump()
    return make(RecordPattern, {"pattern_type": "T", "pattern_name": "n", **fields}).model_dump()


def refusal(attempt: Callable[[], object]) -> str:
    """The reason code with which something is refused."""
    with pytest.raises(MalformedMessage) as refused:
        attempt()
    return refused.value.reason_code


@pytest.mark.parametrize(("field", "limit"), [(name, highest) for name, (_, highest) in TEXTS.items()])
@pytest.mark.parametrize("letter", ["x", "\U0001f600"], ids=["ascii", "emoji"])
def test_a_text_has_a_longest_length_in_characters(field: str, limit: int, letter: str) -> None:
    """One less and the limit itself are accepted, one more has its own reason code (spec 4, limits)."""
    assert made(field, letter * (limit - 1))
    assert made(field, letter * limit)
    assert f"{field}_length" == refusal(lambda: made(field, letter * (limit + 1)))


@pytest.mark.parametrize(("field", "lowest"), [(name, lowest) for name, (lowest, _) in TEXTS.items()])
def test_types_names_ids_and_tags_are_not_empty(field: str, lowest: int) -> None:
    """Other texts may be (spec 4, limits)."""
    if lowest:
        assert f"{field}_length" == refusal(lambda: made(field, ""))
    assert made(field, "x" * lowest)


@pytest.mark.parametrize("field", TEXTS)
@pytest.mark.parametrize("character", ["\0", "\x01", "\x1b", "\r", "\x7f", "\x85", "\x9f", "\ud800"], ids=ascii)
def test_no_text_holds_control_characters_or_lone_surrogates(field: str, character: str) -> None:
    """What a database or a terminal trips over is refused, wherever it stands (spec 4, limits)."""
    assert f"{field}_characters" == refusal(lambda: made(field, f"a{character}b"))


@pytest.mark.parametrize("field", TEXTS)
@pytest.mark.parametrize("character", ["\t", "\n"], ids=ascii)
def test_tab_and_new_line_are_for_the_two_long_texts(field: str, character: str) -> None:
    """Description and suggested action may have several lines (spec 4, limits)."""
    if field in LONG_TEXTS:
        assert f"a{character}b" == made(field, f"a{character}b")[field]
    else:
        assert f"{field}_characters" == refusal(lambda: made(field, f"a{character}b"))


@pytest.mark.parametrize(
    "text", ["👩‍👩‍👧", "e\u0301", "\u202eabc", "%s", "'; DROP TABLE patterns; --", "\u2028", "\ufeff", "\uffff"]
)
def test_odd_text_is_only_text(text: str) -> None:
    """Nothing is stripped, composed or escaped (spec 4)."""
    assert text == made("pattern_name", text)["pattern_name"]


@pytest.mark.parametrize("value", [1, 1.5, True, ["x"], {"x": 1}, b"x"], ids=str)
@pytest.mark.parametrize("field", TEXTS)
def test_a_text_is_text(field: str, value: object) -> None:
    """Nothing else is made one (spec 4)."""
    assert f"{field}_type" == refusal(lambda: made(field, value))


@pytest.mark.parametrize(("field", "limit"), MOST.items())
def test_a_count_has_a_range(field: str, limit: int) -> None:
    """Nought and the limit are accepted, what lies beyond has its own reason code (spec 4, limits)."""
    for value in (0, 1, limit - 1, limit):
        assert made(field, value)
    assert {f"{field}_range"} == {refusal(partial(made, field, each)) for each in (-1, limit + 1, 2**63, -(10**30))}


@pytest.mark.parametrize("value", ["1", 1.0, True, "", []], ids=repr)
@pytest.mark.parametrize("field", MOST)
def test_a_count_is_an_integer(field: str, value: object) -> None:
    """Neither text nor a fraction nor a boolean is one (spec 4)."""
    assert f"{field}_type" == refusal(lambda: made(field, value))


@pytest.mark.parametrize("value", [0, 0.0, 5e-324, 0.5, 1 - 2**-53, 1.0, 1])
def test_a_grounding_confidence_is_a_share(value: float) -> None:
    """From 0 to 1, both included (spec 4, limits)."""
    assert value == made("grounding_confidence", value)["grounding_confidence"]


@pytest.mark.parametrize("value", [-5e-324, 1 + 2**-52, 2, -1, float("nan"), float("inf"), float("-inf")])
def test_no_other_number_is_a_share(value: float) -> None:
    """SQLite turns NaN into NULL, PostgreSQL keeps it: it is refused (spec 4, limits)."""
    assert "grounding_confidence_range" == refusal(lambda: made("grounding_confidence", value))


def test_a_negative_zero_is_zero() -> None:
    """One database keeps the sign, the other does not; so no message has it (spec 7, same on both stores)."""
    assert "0.0" == str(made("grounding_confidence", -0.0)["grounding_confidence"])


@pytest.mark.parametrize("value", ["false", "true", 0, 1, 0.0, None, []], ids=repr)
def test_an_outcome_is_a_real_boolean(value: object) -> None:
    """The text "false" is an error, not true (spec 4, limits)."""
    assert "pattern_led_to_success_type" == refusal(lambda: made("pattern_led_to_success", value))
    if value is not None:
        assert "validation_passed_type" == refusal(lambda: made("validation_passed", value))


def test_there_are_at_most_64_tags() -> None:
    """63 and 64 are accepted, 65 are not (spec 4, limits)."""
    for count in (0, 63, 64):
        assert ("x",) * count == made("context_tags", ["x"] * count)["context_tags"]
    assert "context_tags_count" == refusal(lambda: made("context_tags", ["x"] * 65))


@pytest.mark.parametrize("value", ["x", {"x": 1}, 1], ids=repr)
def test_tags_are_a_list(value: object) -> None:
    """A text is not a list of its letters (spec 4)."""
    assert "context_tags_type" == refusal(lambda: made("context_tags", value))


@pytest.mark.parametrize("mode", ["", "Exploration", "exploit", None, 1], ids=repr)
def test_an_application_has_one_of_two_modes(mode: object) -> None:
    """Exploitation unless it says exploration (spec 4)."""
    assert "exploitation" == made("execution_id", "e")["application_mode"]
    assert "exploration" == made("application_mode", "exploration")["application_mode"]
    assert "application_mode_value" == refusal(lambda: made("application_mode", mode))


def test_unknown_fields_are_an_error() -> None:
    """Also where a sighting was made (spec 4)."""
    assert "unknown_field" == refusal(lambda: made("description_", "d"))
    assert "unknown_field" == refusal(lambda: made("provenance", {"job": "j"}))
    assert "unknown_field" == refusal(lambda: make(RecalculateAllPatternPriorities, {"pattern_id": "p"}))


@pytest.mark.parametrize("kind", MESSAGES)
def test_messages_are_frozen(kind: str) -> None:
    """What was checked stays what it was (spec 4)."""
    message = make(MESSAGES[kind], json.loads(EXAMPLES[kind].content()))

    for field in type(message).model_fields:
        with pytest.raises(ValidationError, match="frozen"):
            setattr(message, field, None)
    with pytest.raises(ValidationError, match="frozen"):
        setattr(Provenance(), "sheet_num", 1)  # noqa: B010 - a plain assignment would not pass the type check


@pytest.mark.parametrize("kind", MESSAGES)
def test_a_message_owns_its_kind(kind: str) -> None:
    """Its name is in what is sent, and another name is refused (spec 4)."""
    fields = json.loads(EXAMPLES[kind].content())

    assert kind == fields["kind"] == MESSAGES[kind].KIND
    assert "kind_value" == refusal(lambda: make(MESSAGES[kind], {**fields, "kind": "pattern"}))


def test_a_batch_holds_four_kinds() -> None:
    """Neither a batch nor a recalculation is one of them (spec 4)."""
    expected = MESSAGES.keys() - {"apply_batch", "recalculate_all_pattern_priorities"}

    assert expected == BATCH_MEMBERS.keys()


def test_a_producer_knows_the_pattern_id_before_it_sends() -> None:
    """The id is computed from type and name (spec 3, pattern id)."""
    assert (
        "bc26dc4af26e61ff"
        == RecordPattern(pattern_type="T", pattern_name="  File   NOT\tCreated ".replace("\t", " ")).pattern_id
    )


@pytest.mark.parametrize("kind", MESSAGES)
def test_a_summary_is_one_line_for_people(kind: str) -> None:
    """The dashboard shows it (spec 4: in the words of this page)."""
    assert SUMMARIES[kind] == EXAMPLES[kind].summary()


def test_a_message_fills_in_its_id_and_its_time() -> None:
    """Once, where it is made (spec 4)."""
    before = datetime.now(UTC)
    one, other = SoftDeletePattern(pattern_id="p"), SoftDeletePattern(pattern_id="p")

    assert one.id != other.id
    assert before <= one.occurred_at <= other.occurred_at <= datetime.now(UTC)
    assert one.content() == one.content()
