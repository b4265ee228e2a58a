"""What the fault tests' oracle says of stores that are as they should be, and of others."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.faults.ledger import Ledger, Outcome
from tests.faults.oracle import judge
from tests.faults.rows import Row, Rows
from tests.model.naming import id_of
from tests.model.said import Message
from tests.model.serial import SerialModel

NOW = 1_790_000_000_000_000
CASE = id_of("T", "case")


def message(number: int, **fields: object) -> Message:
    """A sighting with an id made from a number."""
    return {"kind": "record_pattern", **stamp(number), "pattern_type": "T", "pattern_name": "case", **fields}


def application(number: int, pattern_id: str = CASE) -> Message:
    """An application of that pattern, or of another."""
    about = {"pattern_id": pattern_id, "execution_id": "e", "pattern_led_to_success": True}
    return {"kind": "record_pattern_application", **stamp(number), **about}


def stamp(number: int) -> dict[str, str]:
    """What every message has."""
    return {"id": f"00000000-0000-4000-8000-{number:012}", "occurred_at": "2026-01-31T12:00:00Z"}


SENT = [message(1), message(2), application(3), application(4, "unknown")]


def store_of(*messages: Message) -> Rows:
    """A store that has applied these messages, and nothing else."""
    model = SerialModel()
    for each in messages:
        model.deliver([each], now=NOW, delivery="")
    inbox = [
        {"message_id": each["id"], "kind": each["kind"], "applied_at": NOW, "content": json.dumps(each)}
        for each in messages
    ]
    return Rows(model.tables(), model.scores(), inbox, quarantine=[], recalculations=[], broken=[])


def ledger_of(*messages: Message, outcome: Outcome = Outcome.OK) -> Ledger:
    """A ledger of these messages."""
    ledger = Ledger()
    ledger.note(outcome, *messages)
    return ledger


def kept(raw: bytes, reason: str = "not_json") -> Row:
    """A row of the quarantine."""
    return {"source": "validation", "reason_code": reason, "raw": raw, "message_id": None, "state": "new"}


def test_a_store_of_what_was_sent_has_no_defect() -> None:
    """Every message accepted, one of them parked; and the same if their senders do not know whether they were."""
    for outcome in (Outcome.OK, Outcome.INFO):
        verdict = judge(store_of(*SENT), ledger_of(*SENT, outcome=outcome))
        assert ({}, 4, 3, 1) == (verdict.defects, verdict.messages, verdict.applied, verdict.parked)


def test_what_may_not_have_been_sent_may_be_missing() -> None:
    """But what was accepted may not; and what was surely not sent may not be there."""
    assert {} == judge(store_of(*SENT[:3]), ledger_of(*SENT, outcome=Outcome.INFO)).defects
    assert {"lost"} == set(judge(store_of(*SENT[:3]), ledger_of(*SENT)).defects)
    assert {"invented"} == set(judge(store_of(*SENT), ledger_of(*SENT, outcome=Outcome.FAIL)).defects)
    assert {"invented"} == set(judge(store_of(*SENT), ledger_of(*SENT[:3])).defects)


def test_of_two_messages_with_one_id_the_other_is_kept() -> None:
    """Where it is not in the quarantine, it is lost."""
    rival = message(1, suggested_action="other")
    ledger = ledger_of(*SENT, rival)
    rows = store_of(*SENT)
    assert {"lost"} == set(judge(rows, ledger).defects)
    rows.quarantine.append(kept(json.dumps(rival).encode(), "id_reuse"))
    assert {} == judge(rows, ledger).defects


def test_the_quarantine_has_what_is_unfit_and_nothing_else() -> None:
    """Byte for byte."""
    rows, ledger = store_of(*SENT), ledger_of(*SENT)
    ledger.note_unfit(b"{")
    assert {"quarantine"} == set(judge(rows, ledger).defects)
    rows.quarantine.append(kept(b"{"))
    assert ({}, 1) == (judge(rows, ledger).defects, judge(rows, ledger).quarantined)
    rows.quarantine.append(kept(b"{ "))
    assert {"quarantine"} == set(judge(rows, ledger).defects)


def counted_twice(rows: Rows) -> None:
    """An effect that there was twice."""
    rows.tables["patterns"][CASE]["occurrence_count"] += 1


def wrong_score(rows: Rows) -> None:
    """A score that is not the model's."""
    rows.scores[CASE, "priority"] += 1e-9


def wrong_counter(rows: Rows) -> None:
    """A counter that says another number than the rows."""
    rows.tables["counters"]["applied"] += 1


def in_the_inbox_twice(rows: Rows) -> None:
    """An id of which there are two rows."""
    rows.inbox.append(rows.inbox[0])


def wrong_tag(rows: Rows) -> None:
    """A row that no message explains."""
    rows.tables["tags"].add((CASE, "tag"))


def unfinished(rows: Rows) -> None:
    """A recalculation that stopped half way."""
    rows.recalculations.append({"message_id": "m", "finished_at": None})


def broken(rows: Rows) -> None:
    """A file that the database finds damaged."""
    rows.broken.append("row 1 missing from index")


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (counted_twice, {"twice", "rows"}),
        (wrong_score, {"scores"}),
        (wrong_counter, {"counters", "rows"}),
        (in_the_inbox_twice, {"twice", "counters"}),
        (wrong_tag, {"rows"}),
        (unfinished, {"recalculation"}),
        (broken, {"integrity"}),
    ],
    ids=lambda each: each.__name__ if callable(each) else "",
)
def test_damage_is_found(damage: Callable[[Rows], Any], expected: set[str]) -> None:
    """Each kind of it, by its name."""
    rows = store_of(*SENT)
    damage(rows)
    assert expected == set(judge(rows, ledger_of(*SENT)).defects)
