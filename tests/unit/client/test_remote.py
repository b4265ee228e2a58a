"""A task of Ostinato's worker, as another Celery application sees it."""

import json
from typing import Any, cast

import pytest
from celery.canvas import Signature

from ostinato import MalformedMessage, record_pattern
from ostinato.messages.models import RecordPattern
from ostinato.messages.routing import lane_of, queue_of
from ostinato.publishing.signature import signature_of
from ostinato.remote import REFUSED

FIELDS = {"pattern_type": "T", "pattern_name": "n"}
LANES = 64


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """No broker is asked here: a call that was not refused would be an error."""
    monkeypatch.setenv("OSTINATO_BROKER_URL", "redis://127.0.0.1:1")


@pytest.mark.parametrize("option", [*REFUSED, "colour"])
def test_an_option_that_cannot_be_honoured_is_refused(option: str) -> None:
    """In a sentence, before anything is sent."""
    why = REFUSED.get(option, "does not know this option")

    with pytest.raises(TypeError, match=f"^record_pattern takes no {option}: ") as refused:
        cast("Any", record_pattern).apply_async(kwargs=FIELDS, **{option: 1})
    assert why in str(refused.value)


def test_a_signature_is_one_text_for_good() -> None:
    """Plain JSON, which neither a result before it nor a group around it changes; its task has the message's id."""
    signature = record_pattern.s(pattern_type="T", pattern_name="n")
    travelled: dict[str, Any] = json.loads(json.dumps(signature))
    message = json.loads(travelled["args"][0])

    assert isinstance(signature, Signature)
    assert (True, {}, message["id"]) == (travelled["immutable"], travelled["kwargs"], travelled["options"]["task_id"])
    assert {"kind": "record_pattern", **FIELDS} == {name: message[name] for name in ("kind", *FIELDS)}
    copy = Signature.from_dict(travelled).clone((1,), {"x": 1})
    copy.freeze(group_id="a group")
    assert ((travelled["args"][0],), {}, None) == (copy.args, copy.kwargs, copy.options["group_id"])


def test_each_signature_is_another_message() -> None:
    """And `si` is the same as `s`, because none can be changed."""
    one, other = (make(pattern_type="T", pattern_name="n") for make in (record_pattern.s, record_pattern.si))

    assert one["options"]["task_id"] != other["options"]["task_id"]
    assert {"ostinato"} == {each["options"]["queue"] for each in (one, other)}


def test_a_signature_goes_to_the_lane_of_its_pattern() -> None:
    """As a message does."""
    messages = [RecordPattern(pattern_type="T", pattern_name=f"{number}") for number in range(20)]
    queues = [signature_of(each, LANES)["options"]["queue"] for each in messages]

    assert [queue_of(lane_of(each.content(), LANES)) for each in messages] == queues
    assert len(set(queues)) > 1


def test_fields_are_checked_when_a_signature_is_made() -> None:
    """With the reason code; a field without its name is refused."""
    with pytest.raises(MalformedMessage, match="pattern_name_length"):
        record_pattern.s(pattern_type="T", pattern_name="")
    with pytest.raises(TypeError, match="by name"):
        cast("Any", record_pattern).si("T", "n")
