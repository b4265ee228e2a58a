"""R2: a broker that is emptied, or that starts again on an empty folder."""

import os
import shutil
import signal
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults import flight
from tests.faults.ledger import Outcome
from tests.faults.load import recording
from tests.faults.report import Record
from tests.faults.rig import Rig
from tests.forms import Scaled
from tests.waiting import wait_until
from worker.processes.child import Child

LOSSES = 5
# A worker that is faster than what comes may have left nothing to lose.
LEAST_HITS = 2
# How many batches from an outbox may be at the broker.
BATCHES = 2


def empty(rig: Rig) -> None:
    """Delete every key."""
    rig.product.client.flushdb()


def start_anew(rig: Rig) -> None:
    """The broker is killed, and its disk is another."""
    rig.broker.kill()
    shutil.rmtree(rig.product.home / "broker")
    rig.broker.__enter__()


WAYS: Mapping[str, Callable[[Rig], None]] = {"emptied": empty, "started on an empty folder": start_anew}


@contextmanager
def stopped(worker: Child) -> Generator[None]:
    """The worker takes nothing meanwhile."""
    os.kill(worker.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(worker.pid, signal.SIGCONT)


@pytest.mark.parametrize("way", WAYS)
def test_a_broker_loses_what_it_had(rig: Rig, record: Record, scaled: Scaled, way: str) -> None:
    """Worker and producer go on by themselves; what it had is lost where nothing else keeps it, and only that is."""
    accepted = set[str]()
    with rig.worker() as worker:
        for _ in rig.injecting(scaled(LOSSES), scaled(LEAST_HITS)):
            with rig.load():
                rig.wait_for_applied(rig.random.randint(1, 150))
            rig.hits += flight.in_flight(rig.product.client) > 0
            rig.fault()
            WAYS[way](rig)
            accepted |= {note.message["id"] for note in rig.ledger if note.outcome is Outcome.OK}
            rig.ledger.doubt()
        verdict = rig.judge()
        assert None is worker.poll()
    result = rig.result(f"R2 broker: {way}, no outbox")
    record(replace(result, lost=len(accepted - rig.stored(accepted))))
    assert {} == verdict.defects


@pytest.mark.parametrize("way", WAYS)
def test_what_was_in_an_outbox_is_not_lost(home: Path, seed: str, record: Record, scaled: Scaled, way: str) -> None:
    """`ostinato reconcile` sends again what the store lacks: nothing that `Producer` took is lost, or counts twice."""
    with Rig(home, seed, sending=recording) as rig, rig.worker() as worker:
        with rig.load(backlog=BATCHES):
            for _ in range(scaled(LOSSES)):
                rig.wait_for_applied(rig.random.randint(1, 500))
                with stopped(worker):
                    wait_until(lambda: flight.queued(rig.product.client) > 0, why="there is something to lose")
                    rig.fault()
                    WAYS[way](rig)
        rig.product.flush()
        again = rig.product.cli("reconcile")
        verdict = rig.judge()
        assert None is worker.poll()
    record(rig.result(f"R2 broker: {way}, outbox", len(rig.faults)))
    assert 0 == again.code
    # A broker that starts again is noticed by the producer itself; one that was emptied is the same as before.
    assert way != "emptied" or not again.out.endswith("sent 0 again\n")
    assert {} == verdict.defects
