"""W6: three workers at once, and beat twice."""

from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import takewhile

from tests.faults import flight
from tests.faults.ledger import Outcome
from tests.faults.load import members
from tests.faults.report import Record
from tests.faults.rig import Rig
from tests.forms import Scaled
from tests.model.said import Message
from tests.waiting import wait_until
from worker.beat.slots import SlotSchedule, slot_message
from worker.processes.child import Child

WORKERS = ("first", "second", "third")
TURNS = 6
MESSAGES = 500
EVERY = timedelta(seconds=1)
SLOTS = 8


def test_three_workers_at_once(rig: Rig, record: Record, scaled: Scaled) -> None:
    """They share the messages, and change nothing but speed; a hit is a worker that was seen holding some."""
    with ExitStack() as stack:
        workers = [stack.enter_context(rig.worker(name)) for name in WORKERS]
        with rig.load(3, backlog=500):
            hits = sum(wait_until(lambda each=each: holds(rig, each), why="it works") for each in workers)
            for _ in range(scaled(TURNS)):
                rig.wait_for_applied(MESSAGES)
        verdict = rig.judge()
    record(rig.result("W6 three workers at once", hits, injected=len(WORKERS)))
    assert {} == verdict.defects
    assert len(WORKERS) == hits


def test_beat_twice(rig: Rig, record: Record, scaled: Scaled) -> None:
    """One recalculation for each slot; a hit is a message that came twice, and counted once."""
    begun, least = datetime.now(UTC), 2 * scaled(SLOTS // 2)
    every = {"OSTINATO_RECALCULATE_EVERY": f"{EVERY.seconds}"}
    with rig.worker():
        with rig.load(backlog=10), rig.product.beat("one", env=every), rig.product.beat("other", env=every):
            wait_until(lambda: len(recalculated(rig)) >= least and twice(rig) >= least // 2, why="slots have passed")
        rig.settle()
        rig.ledger.note(Outcome.INFO, *slots(begun, datetime.now(UTC)))
        verdict = rig.judge()
    found = recalculated(rig)
    record(rig.result("W6 beat twice", verdict.redelivered, injected=len(found)))
    assert {} == verdict.defects
    assert sorted(set(found)) == sorted(found)
    assert least // 2 <= verdict.redelivered


def holds(rig: Rig, worker: Child) -> bool:
    """Whether a worker has taken a message."""
    return bool(flight.taken_by(rig.product.client, worker.pid))


def twice(rig: Rig) -> int:
    """How many messages have come twice."""
    return sum(row["value"] for row in rig.select("SELECT value FROM counters WHERE name = 'duplicates'"))


def recalculated(rig: Rig) -> list[int]:
    """The slots that were recalculated, by their event times."""
    kind = "recalculate_all_pattern_priorities"
    return [row["at"] for row in rig.select(f"SELECT occurred_at AS at FROM inbox WHERE kind = '{kind}'")]  # noqa: S608


def slots(begun: datetime, ended: datetime) -> Sequence[Message]:
    """The message of every slot that began between two moments, and of the one that ran at the first."""
    first = SlotSchedule(EVERY.total_seconds(), 3 * 3600).slot(begun)
    moments = takewhile(lambda slot: slot <= ended, (first + number * EVERY for number in range(10_000)))
    return [members(slot_message(each))[0] for each in moments]
