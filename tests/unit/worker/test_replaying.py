"""The text that replaces a message in the quarantine: the same text is always the same message."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from ostinato.errors import ConfigurationError, MalformedMessage
from store.reading.quarantine import Quarantined
from tests.samples.envelopes import text, without
from worker.recovery.replaying import edited

THEN = datetime(2026, 6, 1, 12, tzinfo=UTC)
OTHER = "01900000-0000-7000-8000-000000000001"


def kept(reason_code: str, message_id: str | None, key: str = "a" * 32) -> Quarantined:
    """A message in the quarantine."""
    return Quarantined(
        id=key,
        received_at=THEN,
        source="validation",
        reason_code=reason_code,
        reason_detail="",
        raw=b"",
        sha256="0" * 64,
        message_id=message_id,
        task="record_pattern",
        state="new",
        resolved_at=None,
        note=None,
    )


def sent(message: Quarantined, written: str) -> dict[str, Any]:
    """What an edited text is sent as."""
    return dict(json.loads(edited(message, written).content()))


@pytest.mark.parametrize("reason", ["id_reuse", "id_missing"])
def test_what_is_left_out_follows_from_the_place_in_the_quarantine(reason: str) -> None:
    """The id, a UUIDv7 of the moment in which it came, and the time; another place gives another id."""
    known = OTHER if reason == "id_reuse" else None
    bare = json.dumps(without(json.loads(text()), "id", "occurred_at"))
    one, again, other = (sent(kept(reason, known, key), bare) for key in ("a" * 32, "a" * 32, "b" * 32))

    assert one == again
    assert one["id"] != other["id"]
    assert datetime.fromisoformat(one["occurred_at"]) == THEN
    assert int(one["id"].replace("-", "")[:12], 16) == int(THEN.timestamp() * 1000)
    assert "7" == one["id"][14]


def test_the_members_of_a_batch_get_ids_too() -> None:
    """Each its own, and the same ones each time."""
    member = without(json.loads(text()), "id", "occurred_at")
    batch = json.dumps({"kind": "apply_batch", "messages": [member, member]})
    one, again = (sent(kept("messages_count", None), batch) for _ in range(2))

    assert one == again
    assert 3 == len({one["id"], *(each["id"] for each in one["messages"])})


def test_an_id_and_a_time_that_are_there_stay() -> None:
    """As they were written."""
    written = json.loads(text(id=OTHER))

    assert written == sent(kept("not_json", None), json.dumps(written))


def test_the_id_has_to_stay_but_for_one_that_is_used_twice() -> None:
    """Then it has to go."""
    with pytest.raises(ConfigurationError, match="The id has to stay"):
        edited(kept("pattern_name_length", OTHER), text())
    with pytest.raises(ConfigurationError, match="belongs to another message"):
        edited(kept("id_reuse", OTHER), text(id=OTHER))


def test_an_id_that_is_left_out_stays_the_one_that_it_had() -> None:
    """So that it is applied once; in a batch the members have their own."""
    bare = without(json.loads(text()), "id")
    assert OTHER == sent(kept("pattern_name_length", OTHER), json.dumps(bare))["id"]
    batch = sent(kept("messages_count", OTHER), json.dumps({"kind": "apply_batch", "messages": [bare]}))
    assert OTHER == batch["id"] != batch["messages"][0]["id"]


def test_an_id_that_is_none_has_to_go() -> None:
    """Otherwise the message could never be repaired."""
    bare = without(json.loads(text()), "id")
    assert OTHER == sent(kept("id_type", "abc"), text(id=OTHER))["id"]
    assert "7" == sent(kept("id_type", "abc"), json.dumps(bare))["id"][14]


@pytest.mark.parametrize(
    ("written", "reason"),
    [("{", "not_json"), ("[1]", "not_an_object"), ("[" * 100_000, "not_json"), (text(colour="red"), "unknown_field")],
)
def test_a_text_that_is_no_message_is_refused(written: str, reason: str) -> None:
    """With the reason that it would have on the wire."""
    with pytest.raises(MalformedMessage) as refused:
        edited(kept("not_json", None), written)
    assert reason == refused.value.reason_code
