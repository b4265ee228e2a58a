"""The promise: once `Producer` has returned, the message is applied once, through kill -9 of worker and broker.

The broker syncs its file every second, and forgets what it took in its last moments: the outbox still has it.
"""

from pathlib import Path

from tests.faults import flight
from tests.faults.load import recording
from tests.faults.report import Record
from tests.faults.rig import Rig
from tests.forms import Scaled

KILLS = 10
LEAST_HITS = 7


def test_kill_9_of_worker_and_broker_behind_an_outbox(home: Path, seed: str, record: Record, scaled: Scaled) -> None:
    """In turn, under load, nothing is lost and nothing counts twice; a hit is a broker that had messages."""
    with Rig(home, seed, sending=recording) as rig:
        with rig.load():
            for _ in rig.injecting(scaled(KILLS), scaled(LEAST_HITS)):
                with rig.worker() as worker:
                    rig.wait_for_applied(rig.random.randint(1, 60))
                    rig.hits += flight.in_flight(rig.product.client) > 0
                    rig.fault()
                    rig.broker.kill()
                    rig.broker.__enter__()
                    rig.wait_for_applied(rig.random.randint(1, 60))
                    rig.kill(worker)
        with rig.worker():
            verdict = rig.judge()
    record(rig.result("R1, W1 worker and broker: kill -9, everysec, by Producer"))
    assert {} == verdict.defects
