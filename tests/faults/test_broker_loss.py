"""R2: a broker that is emptied, or that starts anew on an empty folder."""

import shutil
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.faults import flight
from tests.faults.ledger import Outcome
from tests.faults.report import Record
from tests.faults.rig import Rig

LOSSES = 5


def empty(rig: Rig) -> None:
    """Somebody deletes every key."""
    rig.product.client.flushdb()


def start_anew(rig: Rig) -> None:
    """The broker is killed, and its disk is another."""
    rig.broker.kill()
    shutil.rmtree(rig.product.home / "broker")
    rig.broker.__enter__()


NAMES: dict[Callable[[Rig], None], str] = {empty: "emptied", start_anew: "started on an empty folder"}


@pytest.mark.parametrize("lose", NAMES)
def test_a_broker_loses_what_it_had(rig: Rig, record: Record, lose: Callable[[Rig], None]) -> None:
    """Worker and producer go on by themselves. What it had is lost where nothing else has it."""
    hits, accepted = 0, set[str]()
    with rig.worker() as worker:
        for _ in range(LOSSES):
            with rig.load():
                rig.wait_for_applied(rig.random.randint(1, 150))
            hits += flight.in_flight(rig.product.client) > 0
            rig.fault()
            lose(rig)
            accepted |= {note.message["id"] for note in rig.ledger if note.outcome is Outcome.OK}
            rig.ledger.doubt()
        verdict = rig.judge()
        assert None is worker.poll()
    result = rig.result(f"R2 broker: {NAMES[lose]}, no outbox", hits)
    record(replace(result, lost=len(accepted - rig.stored(accepted))))
    assert {} == verdict.defects
    assert LOSSES == hits
