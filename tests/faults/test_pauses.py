"""W5: a worker that is stopped for longer than its lease and goes on, while another works."""

import os
import signal

from tests.faults import flight
from tests.faults.report import Record
from tests.faults.rig import Rig
from tests.forms import Scaled
from tests.waiting import wait_until
from worker.processes.child import Child

PAUSES = 6
LEAST_HITS = 2
# The lease, and the time until the other worker looks for lost ones.
OVERTAKEN = 6 + 2 + 1


def test_sigstop_for_longer_than_the_lease(rig: Rig, record: Record, scaled: Scaled) -> None:
    """It goes on with a message that another has applied meanwhile, and that has no second effect: that is a hit."""
    with rig.worker("first") as first, rig.worker("second") as second:
        with rig.load():
            for number in rig.injecting(scaled(PAUSES), scaled(LEAST_HITS)):
                rig.wait_for_applied(rig.random.randint(1, 50))
                worker, other = ((first, "second"), (second, "first"))[number % 2]
                rig.hits += was_overtaken(rig, worker, other)
        verdict = rig.judge()
        assert [None, None] == [first.poll(), second.poll()]
    record(rig.result("W5 worker: SIGSTOP longer than its lease"))
    assert {} == verdict.defects


def was_overtaken(rig: Rig, worker: Child, other: str) -> bool:
    """Stop a worker that holds messages, for longer than its lease; whether the other one applied them meanwhile.

    It cannot where the first one sleeps inside its transaction, which holds the store: it says that it waits for that.
    """
    held = wait_until(lambda: stopped_holding(rig, worker), why="a worker is stopped holding one")
    rig.fault()
    begun, said = seconds(rig), rig.waits(other)
    wait_until(
        lambda: seconds(rig) > begun + OVERTAKEN and (rig.stored(held) == set(held) or rig.waits(other) > said),
        why="the other one has applied them, or waits for the store",
    )
    overtaken = rig.stored(held) == set(held)
    os.killpg(worker.pid, signal.SIGCONT)
    rig.wait_for_applied(1)
    return overtaken


def seconds(rig: Rig) -> int:
    """The broker's clock."""
    return int(rig.product.client.eval("return redis.call('TIME')[1]", 0))


def stopped_holding(rig: Rig, worker: Child) -> list[str]:
    """Stop a worker; the ids that it has taken and not yet stored. If there are none, it goes on."""
    os.killpg(worker.pid, signal.SIGSTOP)
    taken = [message["id"] for message in flight.taken_by(rig.product.client, worker.pid)]
    if not taken or rig.stored(taken):
        os.killpg(worker.pid, signal.SIGCONT)
        return []
    return taken
