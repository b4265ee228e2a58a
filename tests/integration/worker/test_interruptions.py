"""A worker that is stopped or killed, and a store that is locked: no message is lost, and none has its effect twice."""

import os
import signal
import sqlite3
import tempfile
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from ostinato.messages.models import RecordPattern
from ostinato.messages.routing import QUEUE
from ostinato.publishing.publisher import producer_app
from tests.integration.worker.test_transport import Fetching
from tests.product import Product
from tests.servers.brokers import EmbeddedValkey
from tests.waiting import ended, wait_until
from worker.broker.redis.queues import workers
from worker.broker.redis.taken import LEASE_SECONDS
from worker.processes.child import Child


def sightings(count: int) -> list[RecordPattern]:
    """Some messages."""
    return [RecordPattern(pattern_type="test", pattern_name=f"sighting {number}") for number in range(count)]


@contextmanager
def working(product: Product) -> Generator[Child]:
    """A worker that takes messages."""
    with product.worker() as worker:
        product.wait_for_workers(1)
        yield worker


@contextmanager
def locked(product: Product) -> Generator[None]:
    """Another program writes to the store, and takes its time."""
    with closing(sqlite3.connect(product.home / "store.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


def taken(product: Product) -> int:
    """How many messages the workers have taken, and not yet acknowledged."""
    return sum(product.client.llen(f"{QUEUE}.taken.{worker}") for worker in workers(product.client))


def wait_until_taken(product: Product) -> None:
    """Wait until a worker has taken a message, and not yet acknowledged it."""
    wait_until(lambda: taken(product) == 1, why="a worker has taken a message")


def test_sigterm_ends_the_worker_in_good_order(product: Product) -> None:
    """It ends with exit code 0 in the middle of its work, and the next one goes on where it stopped."""
    product.send(*sightings(200))
    with product.worker() as worker:
        wait_until(lambda: (stats := product.stats()) is not None and stats.applied > 50, why="some are applied")
        assert 0 == worker.stop()
    with product.worker():
        stats = product.wait_for(applied=200)
    assert (200, 200, 0) == (stats.patterns, stats.sightings, stats.quarantined)


def test_worker_waits_for_a_locked_store(product: Product) -> None:
    """It says so once, goes on by itself as soon as it can, and says that too."""
    with working(product):
        with locked(product):
            product.send(*sightings(3))
            wait_until(lambda: "store_unavailable" in product.log("worker"), why="the worker says that it waits")
        product.wait_for(applied=3)
        wait_until(lambda: "store_available_again" in product.log("worker"), why="the worker says that it goes on")
    assert [1, 1] == [
        product.log("worker").count(f'"{fact}"') for fact in ("store_unavailable", "store_available_again")
    ]


def test_sigterm_while_the_store_is_locked_puts_the_message_back(product: Product) -> None:
    """The worker ends all the same; the message is on the queue, and the next worker applies it."""
    with working(product) as worker, locked(product):
        product.send(*sightings(1))
        wait_until_taken(product)
        assert 0 == worker.stop()
        assert (1, 0) == (product.client.llen(QUEUE), taken(product))
    with product.worker():
        stats = product.wait_for(applied=1)
    assert 0 == stats.duplicates


def test_message_of_a_killed_worker_comes_back(product: Product) -> None:
    """After kill -9, the next worker applies the others at once, and what the dead one had taken after its lease."""
    with working(product) as worker, locked(product):
        first, *others = sightings(3)
        product.send(first)
        wait_until_taken(product)
        os.kill(worker.pid, signal.SIGKILL)
        assert 128 + signal.SIGKILL == ended(worker)
        product.send(*others)  # a living worker would have fetched them along, had they come in time
    assert 1 == taken(product)
    with product.worker():
        stats = product.wait_for(applied=3)
    assert (3, 0) == (stats.sightings, stats.duplicates)
    assert 0 == taken(product)


def test_a_living_worker_keeps_what_it_has_taken(product: Product) -> None:
    """Though its message waits long for the store, no other worker takes it away."""
    with working(product) as first:
        with locked(product):
            product.send(*sightings(1))
            wait_until_taken(product)
            with product.worker("second"):
                product.wait_for_workers(2)
                [holder] = [each for each in workers(product.client) if str(first.pid) in each.split("-")]
                begun = lease_of(product, holder)
                wait_until(lambda: lease_of(product, holder) > begun + LEASE_SECONDS, why="a lease would have run out")
                assert 1 == product.client.llen(f"{QUEUE}.taken.{holder}")
        stats = product.wait_for(applied=1)
    assert 0 == stats.duplicates


def lease_of(product: Product, worker: str) -> float:
    """When a worker's lease was renewed, in seconds by the broker's clock."""
    return product.client.zscore(f"{QUEUE}.workers", worker) or 0.0


def test_a_message_with_a_priority_is_applied_like_any_other(product: Product) -> None:
    """Kombu's producers put it into a list of its own."""
    with working(product):
        app = producer_app(product.settings)
        message = sightings(1)[0]
        app.send_task(message.KIND, args=(message.content(),), task_id=str(message.id), queue=QUEUE, priority=9)
        app.close()
        product.wait_for(applied=1)


def test_a_broker_that_was_killed_finds_its_worker_again(alone: Product) -> None:
    """The worker stays the same process through all that, and what was sent before and after is applied."""
    with EmbeddedValkey(alone.home) as broker, alone.worker() as worker:
        alone.wait_for_workers(1)
        alone.send(*sightings(20))
        alone.wait_for(applied=20)
        broker.kill()
        with EmbeddedValkey(alone.home):
            alone.send(*sightings(10))
            alone.wait_for(applied=30)
            assert None is worker.poll()


def test_what_cannot_be_given_back_is_written_down_nowhere_else(
    alone: Product, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker has it still, among what was taken; kombu's own transport would leave a pickle of it on the disk."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with EmbeddedValkey(alone.home) as broker:
        fetching = Fetching(alone.settings.broker_address)
        alone.send(*sightings(1))
        fetching.fetch()
        broker.kill()
        fetching.connection.close()
    assert [] == list(tmp_path.iterdir())
