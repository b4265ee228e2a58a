"""W1: kill -9 of the worker at a random moment under load."""

from tests.faults import flight
from tests.faults.report import Record
from tests.faults.rig import Rig
from tests.forms import Scaled

KILLS = 40
# A worker that dies between two messages holds none; most of its time it holds one.
LEAST_HITS = 20


def test_kill_9_of_the_worker(rig: Rig, record: Record, scaled: Scaled) -> None:
    """Whatever it was doing, nothing is lost and nothing counts twice; a hit is one that died holding a message."""
    with rig.load():
        for _ in rig.injecting(scaled(KILLS), scaled(LEAST_HITS)):
            with rig.worker() as worker:
                rig.wait_for_applied(rig.random.randint(1, 60))
                rig.kill(worker)
                rig.hits += bool(flight.taken_by(rig.product.client, worker.pid))
    with rig.worker():
        verdict = rig.judge()
    record(rig.result("W1 worker: kill -9 under load"))
    assert {} == verdict.defects
