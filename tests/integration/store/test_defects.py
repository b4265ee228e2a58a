"""A defect of ours costs neither the message that meets it nor the others (spec section 7, exactly once)."""

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import NoReturn

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

import ostinato.messages.wire
import store.writing.applying
import store.writing.effects
import tasks.receiver
from ostinato.identity import pattern_id
from ostinato.messages.models import (
    ApplyBatch,
    RecalculateAllPatternPriorities,
    RecordPattern,
    RecordPatternApplication,
)
from store.database.tables import applications, quarantine
from store.errors import StoreUnavailable
from store.events import Application
from store.rules.pattern import PatternState, applied
from tasks.receiver import Receiver
from tests.integration.store.bench import NOW, Bench

N = pattern_id("T", "n")
SIGHTING = RecordPattern(pattern_type="T", pattern_name="n")


def outcome(execution: str) -> RecordPatternApplication:
    """An application of the pattern."""
    return RecordPatternApplication(pattern_id=N, execution_id=execution, pattern_led_to_success=True)


@dataclass
class Faults:
    """The rule for applications, with faults at some executions; each raises the errors of its list in turn."""

    errors: dict[str, list[Exception]] = field(default_factory=dict[str, list[Exception]])

    def applied(self, pattern: PatternState, event: Application) -> PatternState:
        """The rule's result, except for the faults."""
        if errors := self.errors.get(event.execution_id):
            raise errors.pop()
        return applied(pattern, event)


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> Faults:
    """Replaces the rule for applications."""
    made = Faults()
    monkeypatch.setattr(store.writing.effects, "applied", made.applied)
    return made


@pytest.fixture(autouse=True)
def logs() -> Generator[list[EventDict]]:
    """What is logged."""
    with capture_logs() as entries:
        yield entries


def never(seconds: float) -> bool:
    """Fail: no pause is expected."""
    pytest.fail(f"waited {seconds} s")


def receiver(bench: Bench, pause: Callable[[float], bool] = never) -> Receiver:
    """A receiver that finds its store, unless it may pause."""
    return Receiver(bench.writer, lambda: NOW, pause)


def test_a_message_that_meets_a_defect_is_quarantined(bench: Bench, faults: Faults, logs: list[EventDict]) -> None:
    """Whole, with the reason `unexpected_error`, and the log has the traceback."""
    message = outcome("bad")
    faults.errors["bad"] = [KeyError("missing")]
    receiver(bench).receive(SIGHTING.KIND, SIGHTING.content(), "d")
    logs.clear()
    receiver(bench).receive(message.KIND, message.content(), "e")

    row = bench.row(quarantine)
    assert ("unexpected_error", "KeyError", "domain") == (row["reason_code"], row["reason_detail"], row["source"])
    assert (message.content().encode(), str(message.id), message.KIND) == (row["raw"], row["message_id"], row["task"])
    assert ["effect_failed", "message_quarantined"] == [entry["event"] for entry in logs]
    assert logs[0]["exc_info"]
    assert (1, 0, 1, 0) == bench.ledger()


def test_the_rest_of_its_batch_is_applied(bench: Bench, faults: Faults, logs: list[EventDict]) -> None:
    """Each message alone, in order; nothing of the first attempt is left, or logged."""
    faults.errors["bad"] = [KeyError(), KeyError()]
    batch = ApplyBatch(messages=[SIGHTING, outcome("one"), outcome("bad"), outcome("two")])
    receiver(bench).receive(batch.KIND, batch.content(), "d")

    assert {"one", "two"} == {row["execution_id"] for row in bench.rows(applications)}
    assert (3, 0, 1, 0) == bench.ledger()
    assert 3 == [entry["event"] for entry in logs].count("message_applied")

    receiver(bench).receive(batch.KIND, batch.content(), "d")
    assert 3 == len(bench.rows(applications))


def test_a_store_that_goes_away_meanwhile_is_waited_for(bench: Bench, faults: Faults) -> None:
    """The whole batch is tried again, and nothing is applied twice."""
    faults.errors = {"bad": [KeyError() for _ in range(9)], "late": [StoreUnavailable("gone")]}
    batch = ApplyBatch(messages=[SIGHTING, outcome("bad"), outcome("one"), outcome("late")])
    pauses: list[float] = []

    def pause(seconds: float) -> bool:
        pauses.append(seconds)
        return True

    receiver(bench, pause).receive(batch.KIND, batch.content(), "d")
    assert {"one", "late"} == {row["execution_id"] for row in bench.rows(applications)}
    assert (3, 0, 1) == bench.ledger()[:3]
    assert 1 == len(pauses)


def test_a_recalculation_that_meets_a_defect_is_quarantined(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not lost, and the worker goes on."""
    message = RecalculateAllPatternPriorities()

    def fail(*_: object, **__: object) -> NoReturn:
        raise KeyError

    monkeypatch.setattr(tasks.receiver, "recalculate", fail)
    assert receiver(bench).receive_recalculation(message.content(), "d")
    assert ("unexpected_error", str(message.id)) == (
        bench.row(quarantine)["reason_code"],
        bench.row(quarantine)["message_id"],
    )


def test_what_cannot_even_be_quarantined_is_tried_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Returning or raising would tell the broker "done": the message would be lost."""

    def fail(*_: object, **__: object) -> NoReturn:
        raise KeyError("no quarantine")

    def pause(_: float) -> bool:
        assert (0, 0, 0, 0) == bench.ledger()
        monkeypatch.undo()
        return True

    monkeypatch.setattr(store.writing.applying, "put_in_quarantine", fail)
    receiver(bench, pause).receive("record_pattern", "malformed", "d")
    assert (0, 0, 1, 0) == bench.ledger()


@pytest.mark.parametrize("kind", [RecordPattern.KIND, ApplyBatch.KIND, RecalculateAllPatternPriorities.KIND])
def test_a_defect_in_reading_costs_no_message_either(bench: Bench, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """The text is quarantined as it came, with the reason `unexpected_error`."""

    def fail(*_: object, **__: object) -> NoReturn:
        raise KeyError

    for name in ("item", "items"):
        monkeypatch.setattr(ostinato.messages.wire, name, fail)
    if kind == RecalculateAllPatternPriorities.KIND:
        assert receiver(bench).receive_recalculation("a text", "d")
    else:
        receiver(bench).receive(kind, "a text", "d")
    row = bench.row(quarantine)
    assert ("unexpected_error", "KeyError", b"a text", kind) == (
        row["reason_code"],
        row["reason_detail"],
        row["raw"],
        row["task"],
    )
