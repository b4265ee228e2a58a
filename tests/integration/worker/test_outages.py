"""A broker or a store that is away for a while: the worker says so once, and goes on by itself as the same process."""

import json
import resource
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, Self

import pytest

from store.database.schema import migrate
from store.reading.store import Store
from tests.conftest import missing
from tests.integration.worker.test_interruptions import lease_of, locked, sightings, taken, wait_until_taken, working
from tests.product import Product
from tests.servers import postgresql
from tests.servers.brokers import IN_TURN, EmbeddedValkey, RedisServer
from tests.servers.tls import redis_binary
from tests.waiting import wait_until
from worker.broker.redis.queues import workers
from worker.broker.redis.taken import LEASE_SECONDS

# Several times what SQLite waits for a lock.
LONG = 30.0
# Room for what the worker logs, and less than it writes to its store.
SMALL = 16_384


class Broker(Protocol):
    """A server that can be started, stopped and killed by the test."""

    @property
    def url(self) -> str | None: ...  # noqa: D102 - as of any server
    def kill(self) -> None: ...  # noqa: D102
    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...


@pytest.fixture(params=IN_TURN)
def own_broker(request: pytest.FixtureRequest, home: Path) -> Broker:
    """A server of the test's own that does not run yet, of each kind in turn."""
    if request.param == "valkey":
        return EmbeddedValkey(home)
    return RedisServer(redis_binary() or missing("there is no redis-server on the PATH"), home)


def said(product: Product, subject: str) -> list[str]:
    """What the worker's log says of this subject, and every warning of anything else."""
    lines = [json.loads(line) for line in product.log("worker").splitlines() if line.startswith("{")]
    return [each["event"] for each in lines if each["event"].startswith(subject) or each["level"] != "info"]


def wait_for_word(product: Product, word: str) -> None:
    """Wait until the worker's log has this event."""
    wait_until(lambda: f'"{word}"' in product.log("worker"), why=f"the worker says {word}")


def keep_waiting(product: Product, seconds: float) -> None:
    """Wait until the only worker has renewed its lease for this long, by the broker's clock."""
    [worker] = workers(product.client)
    until = lease_of(product, worker) + seconds
    wait_until(lambda: lease_of(product, worker) > until, why="the lease is renewed")


@pytest.mark.parametrize("killed", [False, True], ids=["stopped", "killed"])
def test_a_broker_that_is_started_again(own_broker: Broker, home: Path, *, killed: bool) -> None:
    """What it had, and what it gets then, is applied once; of the outage there is one warning."""
    with own_broker, Product(home, own_broker.url) as product, product.worker() as worker:
        product.wait_for_workers(1)
        product.send(*sightings(20))
        product.wait_for(applied=20)
        if killed:
            own_broker.kill()
        own_broker.__exit__()
        wait_for_word(product, "broker_unavailable")
        own_broker.__enter__()
        wait_for_word(product, "broker_available_again")
        product.send(*sightings(10))
        stats = product.wait_for(applied=30)
        # It is told "done" after the commit.
        wait_until(lambda: not taken(product), why="the broker is told that all are done")
        assert (None, 30, 0) == (worker.poll(), stats.sightings, stats.quarantined)
        # The lease is renewed by a thread, which may notice it too.
        found = [each for each in said(product, "broker") if each != "lease_not_renewed"]
        assert ["broker_unavailable", "broker_available_again"] == found
        assert 0 == worker.stop()


def test_a_broker_that_comes_after_the_worker(own_broker: Broker, home: Path) -> None:
    """The worker waits for it."""
    with Product(home, own_broker.url) as product, product.worker() as worker:
        wait_for_word(product, "broker_unavailable")
        with own_broker:
            product.send(*sightings(3))
            product.wait_for(applied=3)
            assert ["broker_unavailable", "broker_available_again"] == said(product, "broker")
            assert 0 == worker.stop()


def test_a_worker_that_waits_for_a_broker_can_be_stopped(alone: Product) -> None:
    """It ends with exit code 0."""
    with alone.worker() as worker:
        wait_for_word(alone, "broker_unavailable")
        assert 0 == worker.stop()


@pytest.mark.long
def test_a_store_that_is_locked_for_long(embedded: Product) -> None:
    """Past every time that SQLite waits for a lock; the lease on the message is kept meanwhile."""
    with working(embedded) as worker:
        with locked(embedded):
            embedded.send(*sightings(3))
            wait_until_taken(embedded)
            keep_waiting(embedded, LONG)
        stats = embedded.wait_for(applied=3)
        wait_for_word(embedded, "store_available_again")
        assert (None, 3, 0, 0) == (worker.poll(), stats.sightings, stats.quarantined, stats.duplicates)
        assert ["store_unavailable", "store_available_again"] == said(embedded, "store")


@contextmanager
def full_disk(pid: int) -> Generator[None]:
    """A process whose files cannot grow."""
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (SMALL, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="another process can be limited on Linux only")
def test_a_store_whose_disk_is_full(embedded: Product) -> None:
    """The message waits until there is room, and is not quarantined."""
    with working(embedded) as worker:
        embedded.send(*sightings(20))
        embedded.wait_for(applied=20)
        with full_disk(worker.pid):
            embedded.send(*sightings(20))
            wait_for_word(embedded, "store_unavailable")
            keep_waiting(embedded, LEASE_SECONDS)
        stats = embedded.wait_for(applied=40)
        wait_for_word(embedded, "store_available_again")
        assert (None, 40, 0, 0) == (worker.poll(), stats.sightings, stats.quarantined, stats.duplicates)
        assert ["store_unavailable", "store_available_again"] == said(embedded, "store")


def test_a_database_that_is_started_again(embedded: Product) -> None:
    """PostgreSQL cuts the worker's connection, is away, and comes back."""
    with postgresql.own_server() or missing(postgresql.MISSING) as server:
        url = server.url.render_as_string(hide_password=False)
        migrate(url)
        with embedded.worker(env={"OSTINATO_STORE_URL": url}) as worker, Store(url) as store:
            embedded.wait_for_workers(1)
            embedded.send(*sightings(20))
            wait_until(lambda: store.stats().applied == 20, why="some are applied")
            server.stop()
            embedded.send(*sightings(20))
            wait_for_word(embedded, "store_unavailable")
            server.start()
            wait_until(lambda: store.stats().applied == 40, why="all are applied")
            wait_for_word(embedded, "store_available_again")
            stats = store.stats()
            assert (None, 40, 0, 0) == (worker.poll(), stats.sightings, stats.quarantined, stats.duplicates)
            assert ["store_unavailable", "store_available_again"] == said(embedded, "store")
            assert 0 == worker.stop()
