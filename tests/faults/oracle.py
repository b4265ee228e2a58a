"""What must hold once everything has healed, judged from the ledger, the rows and a model: no code of the product's.

`judge` takes no look at a running system; `Rig.judge` waits, looks, and calls it.
"""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.faults.ledger import Ledger, Note, Outcome
from tests.faults.rows import Rows
from tests.model.serial import SerialModel, comparable

_EXACT = 1e-12
_SHOWN = 3


@dataclass
class Verdict:
    """What was found; ``defects`` says in words what must not be, by one of these names, and is empty if all is well.

    stuck, deaf (see `Rig.judge`), lost, twice, invented, quarantine, rows, scores, counters, recalculation, integrity,
    keys.
    """

    messages: int
    applied: int
    parked: int
    quarantined: int
    redelivered: int
    lost: list[Note]
    twice: int
    defects: dict[str, str] = field(default_factory=dict[str, str])

    def add(self, name: str, *found: object) -> None:
        """A defect for what was found, if anything was."""
        if found:
            self.defects[name] = f"{len(found)}: " + "; ".join(map(str, found[:_SHOWN]))


def judge(rows: Rows, ledger: Ledger) -> Verdict:
    """Compare what a store at rest holds with what was sent, and with the model of it."""
    applied = {(row["message_id"], comparable(json.loads(row["content"]))) for row in rows.inbox}
    notes = {(note.message["id"], comparable(note.message)): note for note in ledger}
    refused = _reused(rows)
    sure = {key: note for key, note in notes.items() if note.outcome is Outcome.OK}
    arrived = applied | refused
    lost = [note for key, note in sure.items() if key not in arrived]
    verdict = Verdict(
        messages=len(ledger),
        applied=len(rows.inbox) - len(rows.tables["parked"]),
        parked=len(rows.tables["parked"]),
        quarantined=len(rows.quarantine),
        redelivered=rows.tables["counters"]["duplicates"],
        lost=lost,
        twice=_effects_too_many(rows),
    )
    verdict.add("lost", *(note.message for note in lost))
    verdict.add("twice", *[f"{verdict.twice} effects too many"] * bool(verdict.twice), *_repeated(rows))
    possible = {key for key, note in notes.items() if note.outcome is not Outcome.FAIL}
    verdict.add("invented", *(arrived - possible))
    verdict.add("quarantine", *_quarantine(rows, ledger, refused, applied))
    verdict.add("counters", *_counters(rows))
    verdict.add("recalculation", *(row["message_id"] for row in rows.recalculations if row["finished_at"] is None))
    verdict.add("integrity", *rows.broken)
    _compare_with_model(verdict, rows)
    return verdict


def _reused(rows: Rows) -> set[tuple[str, str]]:
    """The messages that are in the quarantine because another had their id."""
    raws = [row["raw"] for row in rows.quarantine if row["reason_code"] == "id_reuse"]
    return {(message["id"], comparable(message)) for message in map(json.loads, raws)}


def _quarantine(
    rows: Rows, ledger: Ledger, refused: set[tuple[str, str]], applied: set[tuple[str, str]]
) -> Iterable[str]:
    """What is missing there, and what should not be there."""
    ids = {message_id for message_id, _ in applied}
    yield from (f"{key} has no rival in the inbox" for key in refused if key in applied or key[0] not in ids)
    kept = Counter(bytes(row["raw"]) for row in rows.quarantine if row["reason_code"] != "id_reuse")
    yield from (f"missing: {raw[:200]!r}" for raw in ledger.unfit - kept.keys())
    for row in rows.quarantine:
        if row["reason_code"] != "id_reuse" and bytes(row["raw"]) not in ledger.unfit:
            yield f"{row['reason_code']}: {bytes(row['raw'])[:200]!r}"


def _effects_too_many(rows: Rows) -> int:
    """How many more sightings and applications the patterns count than the inbox has."""
    kinds = Counter(row["kind"] for row in rows.inbox)
    waiting = Counter(kind for kind, *_ in rows.tables["parked"].values())
    counts = ("occurrence_count", "led_to_success_count", "led_to_failure_count")
    counted = sum(row[name] for row in rows.tables["patterns"].values() for name in counts)
    name = "record_pattern_application"
    return max(0, counted - kinds["record_pattern"] - (kinds[name] - waiting[name]))


def _repeated(rows: Rows) -> list[str]:
    return [key for key, count in Counter(row["message_id"] for row in rows.inbox).items() if count > 1]


def _counters(rows: Rows) -> Iterable[str]:
    expected = len(rows.inbox) - len(rows.tables["parked"])
    if expected != (counted := rows.tables["counters"]["applied"]):
        yield f"applied is {counted}, the rows are {expected}"


def _compare_with_model(verdict: Verdict, rows: Rows) -> None:
    """Replay the inbox in the order of application, each message at the clock reading of its transaction."""
    model = SerialModel()
    for row in rows.inbox:
        model.deliver([json.loads(row["content"])], now=row["applied_at"], delivery="")
    expected = model.tables()
    expected["counters"]["duplicates"] = rows.tables["counters"]["duplicates"]
    tables = ("patterns", "same content", "tags", "aliases", "applications", "parked", "counters")
    verdict.add("rows", *(line for name in tables for line in _differences(name, expected[name], rows.tables[name])))
    if pytest.approx(model.scores(), rel=0, abs=_EXACT) != rows.scores:
        verdict.add("scores", *_differences("scores", model.scores(), rows.scores))


def _differences(table: str, expected: Any, actual: Any) -> Iterable[str]:  # noqa: ANN401 - sets and mappings
    if isinstance(expected, set):
        yield from (f"{table}: {each}" for each in expected ^ actual)
        return
    for key in expected.keys() | actual.keys():
        if expected.get(key) != actual.get(key):
            yield f"{table}: {key}: expected {expected.get(key)}, found {actual.get(key)}"
