"""A worker that is stopped or killed, and a store that is locked: no message is lost, and none has its effect twice."""

import os
import signal
import sqlite3
import time
from collections.abc import Generator
from contextlib import closing, contextmanager

from tasks.messages import RecordPattern
from tasks.publishing import QUEUE
from tests.product import DEADLINE, Product
from tests.waiting import wait_until
from worker.app import VISIBILITY_SECONDS
from worker.child import Child

# Where the stock transport keeps what was taken but not acknowledged, and since when.
TAKEN, TAKEN_SINCE = "unacked", "unacked_index"


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


def wait_until_taken(product: Product) -> None:
    """Wait until a worker has taken a message, and not yet acknowledged it."""
    wait_until(lambda: product.client.hlen(TAKEN) == 1, why="a worker has taken a message")


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
        assert (1, 0) == (product.client.llen(QUEUE), product.client.hlen(TAKEN))
    with product.worker():
        stats = product.wait_for(applied=1)
    assert 0 == stats.duplicates


def test_message_of_a_killed_worker_comes_back(product: Product) -> None:
    """After kill -9, the next worker applies the others at once, and what the dead one had taken a minute later."""
    with working(product) as worker, locked(product):
        product.send(*sightings(3))
        wait_until_taken(product)
        os.kill(worker.pid, signal.SIGKILL)
        assert 128 + signal.SIGKILL == worker.wait(DEADLINE)
    assert 1 == product.client.hlen(TAKEN)
    # The minute, told to the broker instead of waited for.
    [tag] = product.client.zrange(TAKEN_SINCE, 0, -1)
    product.client.zadd(TAKEN_SINCE, {tag: time.time() - VISIBILITY_SECONDS - 1})
    with product.worker():
        stats = product.wait_for(applied=3)
    assert (3, 0) == (stats.sightings, stats.duplicates)
    assert 0 == product.client.hlen(TAKEN)
