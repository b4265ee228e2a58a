"""W5: a worker that is stopped for longer than its lease and goes on, while another works."""

import os
import signal

from tests.faults import flight
from tests.faults.report import Record
from tests.faults.rig import Rig
from tests.forms import Scaled
from tests.product import DEADLINE
from tests.waiting import comes_true, wait_until
from worker.processes.child import Child

PAUSES = 6
# One that sleeps inside its transaction holds the store, and no worker can overtake it.
LEAST_HITS = 2
# The lease, and the time until the other worker looks for lost ones.
OVERTAKEN = 6.0 + 2.0 + 1.0


def test_sigstop_for_longer_than_the_lease(rig: Rig, record: Record, scaled: Scaled) -> None:
    """It goes on with a message that another has applied meanwhile, and that has no second effect: that is a hit."""
    hits = 0
    with rig.worker("first") as first, rig.worker("second") as second:
        with rig.load():
            for number in range(scaled(PAUSES)):
                rig.wait_for_applied(rig.random.randint(1, 50))
                hits += was_overtaken(rig, (first, second)[number % 2])
        verdict = rig.judge()
        assert [None, None] == [first.poll(), second.poll()]
    record(rig.result("W5 worker: SIGSTOP longer than its lease", hits))
    assert {} == verdict.defects
    assert scaled(LEAST_HITS) <= hits


def was_overtaken(rig: Rig, worker: Child) -> bool:
    """Stop a worker that holds messages, for longer than its lease; whether the other one applied them meanwhile."""
    held = wait_until(lambda: stopped_holding(rig, worker), why="a worker is stopped holding one", seconds=DEADLINE)
    rig.fault()
    overtaken = comes_true(lambda: rig.stored(held) == set(held), seconds=OVERTAKEN)
    os.killpg(worker.pid, signal.SIGCONT)
    rig.wait_for_applied(1)
    return overtaken


def stopped_holding(rig: Rig, worker: Child) -> list[str]:
    """Stop a worker; the ids that it has taken and not yet stored. If there are none, it goes on."""
    os.killpg(worker.pid, signal.SIGSTOP)
    taken = [message["id"] for message in flight.taken_by(rig.product.client, worker.pid)]
    if not taken or rig.stored(taken):
        os.killpg(worker.pid, signal.SIGCONT)
        return []
    return taken
