"""R1: kill -9 of the broker under load, while the worker lives on."""

from pathlib import Path

import pytest

from tests.faults import flight
from tests.faults.oracle import Verdict
from tests.faults.report import Record
from tests.faults.rig import Rig
from tests.forms import Scaled
from worker.settings import Fsync

KILLS = 10
LEAST_HITS = 8
# Seconds for which an accepted message may be only in the server's memory, with its file synced every second.
UNSYNCED = 2.0


@pytest.mark.parametrize("fsync", ["always", "everysec"])
def test_kill_9_of_the_broker(home: Path, seed: str, record: Record, scaled: Scaled, fsync: Fsync) -> None:
    """Synced always, nothing is lost; every second, only what was accepted just before a kill.

    A hit is a broker that died with messages in its lists. The worker stays the same process.
    """
    with Rig(home, seed, fsync=fsync) as rig, rig.worker() as worker:
        with rig.load():
            for _ in rig.injecting(scaled(KILLS), scaled(LEAST_HITS)):
                rig.wait_for_applied(rig.random.randint(1, 60))
                rig.fault()
                rig.broker.kill()
                rig.broker.__enter__()
                rig.hits += flight.in_flight(rig.product.client) > 0
        verdict = rig.judge()
        assert None is worker.poll()
    record(rig.result(f"R1 broker: kill -9, synced {fsync}"))
    if fsync == "everysec":
        assert [] == lost_for_no_reason(verdict, rig.faults)
        verdict.defects.pop("lost", None)
    assert {} == verdict.defects


def lost_for_no_reason(verdict: Verdict, kills: list[float]) -> list[str]:
    """What was lost though it was accepted long before the next kill."""
    return [note.message["id"] for note in verdict.lost if not any(abs(kill - note.at) <= UNSYNCED for kill in kills)]
