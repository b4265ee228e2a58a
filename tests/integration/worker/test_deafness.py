"""A worker that lives and takes no messages ends, so that another is started; one that only waits does not."""

import os
import signal
import sys
from collections.abc import Generator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from ostinato.messages.models import RecordPattern
from tests.deaf_worker import VARIABLE, WAYS
from tests.integration.worker.test_interruptions import locked, sightings, wait_until_taken
from tests.product import Product
from tests.servers.brokers import EmbeddedValkey
from tests.waiting import ended, wait_until
from worker.broker.liveness import DEAF
from worker.processes.child import Child

ROOT = Path(__file__).parents[3]
SECONDS = 10
SOON = {"OSTINATO_DEAF_AFTER": str(SECONDS)}


class Deaf:
    """A product whose first worker goes deaf in one of the ways. A context manager."""

    def __init__(self, home: Path, way: str) -> None:
        self._open = ExitStack()
        self._armed = home / "armed"
        self._armed.write_text(way, encoding="utf-8")
        self._open.enter_context(EmbeddedValkey(home))
        self.product = self._open.enter_context(Product(home))
        self.first = self.start()

    def start(self) -> Child:
        """Start a worker, which hears if another has been deaf before it."""
        env = {**SOON, VARIABLE: str(self._armed), "PYTHONPATH": str(ROOT)}
        command = (sys.executable, "-m", "celery", "-A", "tests.deaf_worker", "worker")
        return self._open.enter_context(self.product.start("worker", *command, env=env))

    def close(self) -> None:
        """Stop everything."""
        self._open.close()


@pytest.fixture(scope="module")
def deaf(tmp_path_factory: pytest.TempPathFactory) -> Generator[Mapping[str, Deaf]]:
    """One product for each way of being deaf, all at once, because each takes its time to notice."""
    with ExitStack() as running:
        found: dict[str, Deaf] = {}
        for way in WAYS:
            found[way] = Deaf(tmp_path_factory.mktemp("h"), way)
            running.callback(found[way].close)
        yield found


def elapsed(product: Product, seconds: int) -> None:
    """Return when this many seconds have passed by the broker's clock."""

    def now() -> int:
        return int(product.client.eval("return redis.call('TIME')[1]", 0))

    until = now() + seconds
    wait_until(lambda: now() > until, why=f"{seconds} seconds pass")


@pytest.mark.parametrize("way", WAYS)
def test_a_deaf_worker_ends_and_the_next_takes_its_messages(deaf: Mapping[str, Deaf], way: str) -> None:
    """With an exit code that says that it failed and a line that says where it hung; nothing is lost, nothing twice."""
    product = deaf[way].product
    product.send(*sightings(3))
    assert DEAF == ended(deaf[way].first)
    assert '"event": "worker_deaf"' in product.log("worker")
    product.send(RecordPattern(pattern_type="test", pattern_name="later"))
    second = deaf[way].start()
    stats = product.wait_for(applied=4)
    assert (4, 0, True) == (stats.received, stats.duplicates, stats.balanced)
    assert deaf[way].first.pid != second.pid
    assert 1 == product.log("worker").count('"event": "worker_deaf"')


@pytest.mark.long
def test_a_worker_that_was_stopped_goes_on(embedded: Product) -> None:
    """A pause of the process, however long, is not deafness."""
    with embedded.worker(env=SOON) as worker:
        embedded.wait_for_workers(1)
        os.kill(worker.pid, signal.SIGSTOP)
        elapsed(embedded, SECONDS + 2)
        embedded.wait_for_workers(0)
        os.kill(worker.pid, signal.SIGCONT)
        embedded.send(*sightings(1))
        embedded.wait_for(applied=1)
        embedded.wait_for_workers(1)
        elapsed(embedded, 3)
        assert None is worker.poll()


@pytest.mark.long
def test_a_worker_that_waits_for_the_store_is_not_deaf(embedded: Product) -> None:
    """It says that it is there, and goes on when it can."""
    with embedded.worker(env=SOON) as worker:
        embedded.wait_for_workers(1)
        with locked(embedded):
            embedded.send(*sightings(1))
            wait_until_taken(embedded)
            elapsed(embedded, SECONDS + 7)
            embedded.wait_for_workers(1)
        embedded.wait_for(applied=1)
        assert None is worker.poll()
