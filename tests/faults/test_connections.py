"""N1: connections to the broker that are cut, reset, half-open, slow, or that lose a request or its reply."""

from collections.abc import Generator

import pytest

from ostinato.messages.routing import QUEUE
from ostinato.settings.broker import BrokerSettings, socket_path
from tests.faults import flight
from tests.faults.ledger import Outcome
from tests.faults.load import publishing, send_noted
from tests.faults.report import Record
from tests.faults.rig import Rig
from tests.forms import Scaled
from tests.servers.proxy import Fault, Proxy
from tests.waiting import wait_until

OFTEN = {Fault.CUT: 20, Fault.RESET: 20, Fault.LOST_REQUEST: 14, Fault.LOST_REPLY: 18}
# These take their time.
SELDOM = {Fault.HALF_OPEN: 2, Fault.SLICES: 3, Fault.LATENCY: 3}
# What a worker says around each message: one takes it, the other ends it.
REQUESTS = (b"BLMOVE", b"LREM")


@pytest.fixture
def faults(rig: Rig, scaled: Scaled) -> list[Fault]:
    """Every kind, in any order."""
    found = [fault for fault, times in (OFTEN | SELDOM).items() for _ in range(scaled(times))]
    rig.random.shuffle(found)
    return found


@pytest.fixture
def proxy(rig: Rig) -> Generator[Proxy]:
    """A network before the broker."""
    with Proxy(socket_path(rig.product.home)) as proxy:
        yield proxy


def through(proxy: Proxy) -> str:
    """The broker's address on the other side of the proxy."""
    return f"redis://127.0.0.1:{proxy.port}/0"


def meet(proxy: Proxy, fault: Fault, request: bytes) -> None:
    """Inject a fault, and return once some connection has met it."""
    before = proxy.hits[fault]
    proxy.inject(fault, request)
    wait_until(lambda: proxy.hits[fault] > before, why=f"a connection meets the {fault.value}")


def test_connections_of_the_worker(rig: Rig, proxy: Proxy, record: Record, faults: list[Fault]) -> None:
    """It is never stuck: every time it goes on by itself, as the same process, and nothing is lost or counts twice."""
    with rig.worker(env={"OSTINATO_BROKER_URL": through(proxy)}) as worker:
        with rig.load():
            for fault in faults:
                rig.wait_for_applied(rig.random.randint(1, 60))
                rig.fault()
                meet(proxy, fault, rig.random.choice(REQUESTS))
                rig.wait_for_applied(10 if fault in {Fault.SLICES, Fault.LATENCY} else 0)
                proxy.heal()
                rig.wait_for_applied(1)
        verdict = rig.judge()
        assert None is worker.poll()
    record(rig.result("N1 worker and broker: connections", len(faults)))
    assert {} == verdict.defects


def test_connections_of_a_producer(rig: Rig, proxy: Proxy, record: Record, faults: list[Fault]) -> None:
    """What it is told is true: what was accepted is in the queue, and every call ends."""
    stream = rig.stream()
    with publishing(BrokerSettings(home=rig.product.home, broker_url=through(proxy))) as send:
        for fault in faults:
            proxy.inject(fault, b"LPUSH")
            for message in stream.take(3):
                send_noted(send, rig.ledger, message)
            proxy.heal()
            wait_until(
                lambda: send_noted(send, rig.ledger, next(stream)) is Outcome.OK, why="the producer is heard again"
            )
    queue = rig.product.client.lrange(QUEUE, 0, -1)
    queued = {message["id"] for raw in queue for message in flight.messages_in(raw)}
    assert set() == {note.message["id"] for note in rig.ledger if note.outcome is Outcome.OK} - queued
    with rig.worker():
        verdict = rig.judge()
    record(rig.result("N1 producer and broker: connections", sum(proxy.hits.values()), len(faults)))
    assert {} == verdict.defects
