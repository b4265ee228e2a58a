"""W2: kill -9 of the worker at named points of a message's way."""

import pytest

from tests.faults import armed, flight
from tests.faults.report import Record
from tests.faults.rig import Rig
from tests.forms import Scaled
from tests.model.said import Message
from tests.waiting import ended

KILLS = 10
KILLED = 137


@pytest.mark.parametrize("point", armed.POINTS)
def test_kill_9_at_a_named_point(rig: Rig, record: Record, scaled: Scaled, point: str) -> None:
    """A hit is a worker of which broker and store show that it died there, and nowhere else."""
    with rig.load():
        for _ in rig.injecting(scaled(KILLS), scaled(KILLS)):
            passes = rig.random.randint(1, 30)
            env = {armed.POINT: point, armed.PASS: str(passes)}
            with rig.worker("armed", env=env, app="tests.faults.armed") as worker:
                assert KILLED == ended(worker)
                rig.fault()
                rig.hits += is_there(rig, point, flight.taken_by(rig.product.client, worker.pid))
    with rig.worker():
        verdict = rig.judge()
    record(rig.result(f"W2 worker: kill -9 {point}"))
    assert {} == verdict.defects


def is_there(rig: Rig, point: str, taken: list[Message]) -> bool:
    """Whether what a dead worker left behind is what it leaves at this point."""
    if point == "after acknowledgement":
        return not taken
    stored = rig.stored(message["id"] for message in taken)
    return bool(taken) and (len(stored) == len(taken) if point == "after COMMIT" else not stored)
