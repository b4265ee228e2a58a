"""Q1: RabbitMQ, a quorum queue and one active consumer: kill -9 of the worker and of the server under load."""

from contextlib import ExitStack
from pathlib import Path

from tests.faults.load import recording
from tests.faults.rabbit_rig import RabbitRig
from tests.faults.report import Record
from tests.forms import Scaled
from tests.servers.rabbit import RabbitServer
from tests.waiting import wait_until

KILLS = 10
RESTARTS = 2
TAKEOVERS = 4
# Most of its time a worker holds a message; one that dies between two does not.
LEAST_HITS = 5


def test_kill_9_of_the_worker(rabbit_rig: RabbitRig, record: Record, scaled: Scaled) -> None:
    """Whatever it was doing, nothing is lost and nothing counts twice; a hit is one that died with a queue."""
    rig = rabbit_rig
    with rig.load():
        for _ in rig.injecting(scaled(KILLS), scaled(LEAST_HITS)):
            with rig.worker() as worker:
                rig.wait_for_applied(rig.random.randint(1, 60))
                before = rig.waiting()
                rig.kill(worker)
                rig.hits += before > 0
    with rig.worker():
        verdict = rig.judge()
    record(rig.result("Q1 RabbitMQ, worker: kill -9 under load"))
    assert {} == verdict.defects


def test_another_worker_takes_over(rabbit_rig: RabbitRig, record: Record, scaled: Scaled) -> None:
    """Of two workers one stands by, and goes on within a moment after the other was killed."""
    rig = rabbit_rig
    with ExitStack() as stack:
        active = stack.enter_context(rig.ready("first"))
        with rig.load():
            for turn in range(scaled(TAKEOVERS)):
                other = stack.enter_context(rig.ready(f"other {turn}"))
                rig.wait_for_applied(rig.random.randint(1, 60))
                wait_until(lambda: rig.waiting() > 0, why="a message waits")
                rig.kill(active)
                rig.wait_for_applied(1)
                active = other
        verdict = rig.judge()
    record(rig.result("Q1 RabbitMQ, active worker: kill -9, another stands by", len(rig.faults)))
    assert {} == verdict.defects
    assert 0 == rig.waiting()


def test_kill_9_of_the_server(
    home: Path, seed: str, rabbit_server: RabbitServer, record: Record, scaled: Scaled
) -> None:
    """What was confirmed is on its disk: nothing is lost, without anything being sent again by hand."""
    with RabbitRig(home, seed, rabbit_server, recording) as rig, rig.worker() as worker:
        with rig.load(backlog=2):
            for _ in range(scaled(RESTARTS)):
                rig.wait_for_applied(rig.random.randint(1, 500))
                rig.fault()
                rabbit_server.kill()
                rabbit_server.start()
                rig.wait_for_applied(1)
        rig.product.flush()
        verdict = rig.judge()
        assert None is worker.poll()
    record(rig.result("Q1 RabbitMQ: kill -9, by Producer", len(rig.faults)))
    assert {} == verdict.defects
