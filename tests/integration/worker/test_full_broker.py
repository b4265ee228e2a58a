"""A broker that answers and refuses, because its memory is full or for another reason (docs/how-to/broker.md)."""

import json
from collections.abc import Generator
from contextlib import closing, contextmanager
from itertools import count

import pytest

from ostinato.errors import BrokerUnavailable
from ostinato.messages.models import BATCH_COUNT, ApplyBatch, RecalculateAllPatternPriorities, RecordPattern
from ostinato.messages.routing import QUEUE
from ostinato.publishing.celery_app import OwnCelery
from ostinato.publishing.publisher import producer_app, publish
from store.writing.recalculation import CHUNK
from tests.integration.worker.test_interruptions import lease_of, locked, sightings, taken, wait_until_taken, working
from tests.product import Product
from tests.waiting import wait_until
from worker.broker.redis.queues import workers
from worker.broker.redis.taken import LEASE_SECONDS

ROOM = 500_000
FULL = "The broker's memory is full"
GOOD = '{"kind": "record_pattern", "pattern_type": "test", "pattern_name": "x"}\n'


@contextmanager
def setting(product: Product, name: str, value: object) -> Generator[None]:
    """A broker that is configured otherwise for as long as the block runs."""
    [before] = product.client.config_get(name).values()
    product.client.config_set(name, str(value))
    try:
        yield
    finally:
        product.client.config_set(name, before)


def fill(product: Product) -> int:
    """Send until the broker refuses; how many it took."""
    with closing(producer_app(product.settings)) as app:
        return next(number for number in count() if not accepted(app, number))


def accepted(app: OwnCelery, number: int) -> bool:
    """Send a message; False if the broker is said to be full."""
    try:
        publish(app, RecordPattern(pattern_type="test", pattern_name=f"{number}", description="x" * 5_000))
    except BrokerUnavailable as error:
        if FULL in str(error):
            return False
        raise
    return True


def events(product: Product, name: str = "worker") -> list[str]:
    """The warnings, and what says that trouble is over, in a log."""
    lines = [json.loads(line) for line in product.log(name).splitlines() if line.startswith("{")]
    return [each["event"] for each in lines if each["level"] != "info" or each["event"].endswith("_again")]


@pytest.mark.each_broker
def test_a_worker_drains_a_broker_that_is_full(product: Product) -> None:
    """Also one that starts at it; what it has taken makes room, and every message that was accepted is applied."""
    with setting(product, "maxmemory", product.client.info("memory")["used_memory"] + ROOM):
        sent = fill(product)
        assert sent > 20
        with product.worker() as worker:
            stats = product.wait_for(applied=sent)
            assert 0 == worker.stop()
    assert (sent, 0, 0, 0) == (stats.sightings, stats.duplicates, stats.quarantined, taken(product))
    assert ["broker_refuses"] == events(product)


@pytest.mark.long
def test_a_worker_lives_on_a_broker_without_any_memory(product: Product) -> None:
    """What waits is applied; it keeps its lease, is seen, asks about once a second, and says once what is wrong."""
    product.send(*sightings(5))
    with setting(product, "maxmemory", 1), product.worker():
        product.wait_for(applied=5)
        [me] = workers(product.client)
        begun, asked = lease_of(product, me), refused(product)
        wait_until(lambda: lease_of(product, me) > begun + LEASE_SECONDS, why="the lease is renewed several times")
        assert refused(product) - asked < 3 * (lease_of(product, me) - begun)
        product.wait_for_workers(1)
        assert FULL in product.cli("send", "-", stdin=GOOD).err
        product.client.config_set("maxmemory", "0")
        product.send(*sightings(2))
        stats = product.wait_for(applied=7)
        wait_until(lambda: "broker_accepts_again" in product.log("worker"), why="the worker says that it is over")
    assert (0, 0) == (stats.duplicates, taken(product))
    assert ["broker_refuses", "broker_accepts_again"] == events(product)


def refused(product: Product) -> int:
    """How often the broker refused to move a message."""
    return int(product.client.info("commandstats").get("cmdstat_blmove", {}).get("rejected_calls", 0))


def test_a_message_is_given_back_to_a_full_broker(product: Product) -> None:
    """By a worker that is to stop before the store lets it."""
    with working(product) as worker, locked(product):
        product.send(*sightings(1))
        wait_until_taken(product)
        with setting(product, "maxmemory", 1):
            assert 0 == worker.stop()
            assert (1, 0) == (product.client.llen(QUEUE), taken(product))
    with product.worker():
        assert 0 == product.wait_for(applied=1).duplicates


@pytest.mark.each_broker
def test_a_message_with_a_priority_leaves_a_full_broker(product: Product) -> None:
    """From the list that kombu's producers put it into."""
    app = producer_app(product.settings)
    message = sightings(1)[0]
    app.send_task(message.KIND, args=(message.content(),), task_id=str(message.id), queue=QUEUE, priority=9)
    app.close()
    with setting(product, "maxmemory", 1), product.worker():
        product.wait_for(applied=1)


def test_a_recalculation_goes_on_at_a_full_broker(embedded: Product) -> None:
    """Its rest cannot be sent to the end of the queue, so its own message goes back."""
    patterns = [RecordPattern(pattern_type="test", pattern_name=f"pattern {n}") for n in range(CHUNK + 500)]
    batches = [ApplyBatch(messages=patterns[at : at + BATCH_COUNT]) for at in range(0, len(patterns), BATCH_COUNT)]
    recalculation = RecalculateAllPatternPriorities()
    embedded.send(*batches, recalculation)
    with setting(embedded, "maxmemory", 1), embedded.worker():
        embedded.wait_for(patterns=len(patterns))
        wait_until(lambda: embedded.store.recalculated(str(recalculation.id)), why="the recalculation is finished")
        wait_until(lambda: (embedded.client.llen(QUEUE), taken(embedded)) == (0, 0), why="no message is left")
    assert 0 == embedded.store.stats().duplicates


def test_a_worker_outlasts_a_broker_that_refuses_every_change(product: Product) -> None:
    """What it applied meanwhile is removed afterwards, and not applied twice; two warnings, and two ends."""
    with working(product) as worker:
        with locked(product):
            product.send(*sightings(1))
            wait_until_taken(product)
            product.send(*sightings(1))
            product.client.config_set("min-replicas-to-write", "1")
        product.wait_for(applied=1)
        for event in ("lease_not_renewed", "broker_refuses"):
            wait_until(lambda: event in product.log("worker"), why=f"the worker says {event}")  # noqa: B023 - called here
        product.client.config_set("min-replicas-to-write", "0")
        stats = product.wait_for(applied=2)
        wait_until(lambda: "broker_accepts_again" in product.log("worker"), why="the worker says that it is over")
        assert None is worker.poll()
    assert (0, 0) == (stats.duplicates, taken(product))
    assert ["broker_accepts_again", "broker_refuses", "lease_not_renewed", "lease_renewed_again"] == sorted(
        each for each in events(product) if not each.startswith("store_")
    )
