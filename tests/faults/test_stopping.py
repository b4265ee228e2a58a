"""W3: a worker that is told to stop, under load and in the middle of a recalculation."""

import os
import signal
from collections.abc import Sequence

import pytest

from ostinato.messages.models import RecalculateAllPatternPriorities
from tests.faults import flight
from tests.faults.report import Record
from tests.faults.rig import Rig
from tests.forms import Scaled
from tests.waiting import ended, wait_until
from worker.processes.child import Child

STOPS = 5
# Celery's own: QUIT ends with 1 between two messages, and with 0 in the middle of one.
CODES = {"TERM": {0}, "TERM TERM": {0}, "QUIT": {0, 1}}


@pytest.mark.parametrize("signals", CODES)
def test_a_signal_ends_the_worker_in_good_order(rig: Rig, record: Record, scaled: Scaled, signals: str) -> None:
    """By itself, with its exit code, having given back what it had; a hit is one that left a queue."""
    with rig.load():
        for _ in rig.injecting(scaled(STOPS), scaled(STOPS)):
            with rig.worker() as worker:
                rig.wait_for_applied(rig.random.randint(1, 100))
                code = told(rig, worker, [signal.Signals[f"SIG{name}"] for name in signals.split()])
                assert code in CODES[signals]
                rig.hits += rig.waiting() > 0
                assert [] == flight.taken_by(rig.product.client, worker.pid)
    with rig.worker():
        verdict = rig.judge()
    record(rig.result(f"W3 worker: {signals} under load"))
    assert {} == verdict.defects


def test_sigterm_during_a_recalculation(rig: Rig, record: Record, scaled: Scaled) -> None:
    """The next worker goes on where it was; a hit is a recalculation that had begun and was not finished."""
    with rig.load(backlog=20):
        for _ in rig.injecting(scaled(STOPS), scaled(STOPS - 1)):
            with rig.worker(app="tests.faults.small_chunks") as worker:
                rig.wait_for_applied(50)
                recalculation = RecalculateAllPatternPriorities()
                rig.send_all(recalculation)
                wait_until(lambda each=recalculation: unfinished(rig, each), why="it has begun")
                assert 0 == told(rig, worker, [signal.SIGTERM])
                rig.hits += unfinished(rig, recalculation)
    with rig.worker(app="tests.faults.small_chunks"):
        rig.settle()
        # While one runs, messages move scores behind it and before it; this one runs alone.
        rig.send_all(RecalculateAllPatternPriorities())
        verdict = rig.judge()
    record(rig.result("W3 worker: TERM during a recalculation"))
    assert {} == verdict.defects


def told(rig: Rig, worker: Child, signals: Sequence[signal.Signals]) -> int:
    """The exit code of a worker that gets these signals, one after the other."""
    rig.fault()
    for each in signals:
        os.kill(worker.pid, each)
    return ended(worker)


def unfinished(rig: Rig, recalculation: RecalculateAllPatternPriorities) -> bool:
    """Whether it has begun and is not finished."""
    ids = {row["message_id"] for row in rig.select("SELECT message_id FROM recalculations WHERE finished_at IS NULL")}
    return str(recalculation.id) in ids
