"""Workers of several lanes, with their store on PostgreSQL."""

import os
import random
import signal
from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from ostinato.identity import pattern_id
from ostinato.messages.models import Message, RecalculateAllPatternPriorities, RecordPattern, RecordPatternApplication
from ostinato.messages.routing import QUEUE, queue_of
from ostinato.outbox.file import Entry
from ostinato.outbox.forwarder import Forwarder
from ostinato.publishing.publisher import producer_app, publish
from ostinato.settings.outbox import OutboxSettings
from store.database.tables import patterns
from tests.product import Product
from tests.servers.brokers import Server
from tests.servers.databases import Database
from tests.waiting import ended, wait_until
from worker.broker.kinds import broker_client

ON_POSTGRESQL = pytest.mark.parametrize("database", ["postgresql"], indirect=True)
NAMES = [f"case {number}" for number in range(40)]


@pytest.fixture
def on_server(broker: Server, home: Path, database: Database) -> Generator[Product]:
    """The product with its store on a server."""
    url = database.new_store()
    with Product(home, broker.url, url) as product:
        yield product
    database.drop(url)


def lane(number: int, of: int = 2) -> dict[str, str]:
    """What a worker of a lane has in its environment."""
    return {"OSTINATO_LANES": str(of), "OSTINATO_LANE": str(number)}


def messages() -> list[Message]:
    """A sighting of each name, and an application of each pattern."""
    applied = [
        RecordPatternApplication(pattern_id=pattern_id("T", name), execution_id="e", pattern_led_to_success=True)
        for name in NAMES
    ]
    return [*(RecordPattern(pattern_type="T", pattern_name=name) for name in NAMES), *applied]


def send(product: Product, sent: Sequence[Message], lanes: int) -> None:
    """Send messages one by one, as a producer with this number of lanes does."""
    with closing(producer_app(product.settings)) as app:
        for message in sent:
            publish(app, message, lanes)


def depths(product: Product, lanes: int) -> list[int]:
    """How much waits in each lane's queue."""
    return [product.client.llen(queue_of(each)) for each in range(lanes)]


@ON_POSTGRESQL
def test_each_worker_applies_what_is_its_lanes(on_server: Product) -> None:
    """Also a recalculation, which goes to lane 0; and status says which lane has no worker."""
    send(on_server, [*messages(), RecalculateAllPatternPriorities()], 2)
    before = depths(on_server, 2)
    assert 81 == sum(before)
    assert min(before) > 20
    with on_server.worker("one", env=lane(1)):
        wait_until(lambda: depths(on_server, 2) == [before[0], 0], why="lane 1 is empty")
        on_server.wait_for(applied=before[1])
        on_server.wait_for_workers(1)
        facts = on_server.cli("status", "--json", env={"OSTINATO_LANES": "2"}).json()
        assert (f"0:{before[0]} 1:0", "0", False) == (
            facts["queued_by_lane"],
            facts["lanes_without_worker"],
            facts["worker"],
        )
        said = on_server.cli("status", env={"OSTINATO_LANES": "2"}).err
        assert said.startswith("No worker takes messages of lane 0: start one by ")
        with on_server.worker("zero", env=lane(0)):
            stats = on_server.wait_for(applied=81)
            on_server.wait_for_workers(2)
            facts = on_server.cli("status", "--json", env={"OSTINATO_LANES": "2"}).json()
            assert (None, True) == (facts["lanes_without_worker"], facts["worker"])
    assert (40, 40, 40, True) == (stats.patterns, stats.sightings, stats.applications, stats.balanced)


@pytest.mark.long
@ON_POSTGRESQL
def test_batches_do_not_mix_lanes(on_server: Product) -> None:
    """What is sent together goes out as one batch for each lane, in order."""
    settings = OutboxSettings(home=on_server.home, broker_url=on_server.settings.broker_address, lanes=4)
    entries = [Entry(at, str(each.id), each.KIND, each.content()) for at, each in enumerate(messages())]
    with Forwarder(settings) as forwarder:
        assert len(entries) == forwarder.publish_some(entries)
    assert [1, 1, 1, 1] == depths(on_server, 4)
    for number in range(4):
        with on_server.worker(f"lane{number}", env=lane(number, 4)):
            wait_until(lambda at=number: on_server.client.llen(queue_of(at)) == 0, why="the batch is taken")
    stats = on_server.wait_for(applied=80)
    assert (40, 0) == (stats.patterns, stats.parked)


@ON_POSTGRESQL
def test_two_lanes_survive_kills(on_server: Product) -> None:
    """Workers of both lanes are killed in the middle of their work; every message has its effect once."""
    dice = random.Random(7)  # noqa: S311 - no secret
    sent = messages() * 5
    send(on_server, sent, 2)
    for _ in range(4):
        with on_server.worker("zero", env=lane(0)) as zero, on_server.worker("one", env=lane(1)) as one:
            stop_at = on_server.store.stats().applied + dice.randrange(1, 12)
            wait_until(
                lambda at=stop_at: on_server.store.stats().applied >= at or not any(depths(on_server, 2)),
                why="something is applied",
            )
            for worker in (zero, one):
                os.kill(worker.pid, signal.SIGKILL)
    with on_server.worker("zero", env=lane(0)), on_server.worker("one", env=lane(1)):
        with closing(broker_client(on_server.settings)) as broker:
            wait_until(lambda: broker.state().queued == 0, why="every message is done")
        stats = on_server.wait_for(applied=80)
    # What a worker had committed, and the broker not been told, comes once more.
    assert stats.duplicates >= 320
    assert (40, 40, 40, 0, True) == (stats.patterns, stats.sightings, stats.applications, stats.parked, stats.balanced)
    counted = {(row["occurrence_count"], row["led_to_success_count"]) for row in on_server.rows(patterns)}
    assert {(1, 1)} == counted


def test_lane_0_takes_over_what_lowered_lanes_have_left(product: Product) -> None:
    """Also what a worker of such a lane had taken, and with SQLite, which has one lane."""
    send(product, messages(), 4)
    for number in (1, 3):
        # As a worker leaves it that was killed long ago: its name is among the leases, of 1970.
        queue = queue_of(number)
        product.client.zadd(f"{queue}.workers", {b"gone": 1.0})
        assert product.client.lmove(queue, f"{queue}.taken.gone", "RIGHT", "LEFT")
    with product.worker():
        stats = product.wait_for(applied=80)
    assert (40, 40, True) == (stats.patterns, stats.applications, stats.balanced)
    assert not [key for key in sorted(product.keys()) if key.startswith(f"{QUEUE}.lane")]


NO_LANE = (
    "OSTINATO_LANE cannot be used: it is {}, and the last of OSTINATO_LANES ({}) is {}; leave it out, or raise "
    "OSTINATO_LANES."
)


def test_a_worker_has_to_know_its_lane(alone: Product) -> None:
    """It says what to set, and ends."""
    server = {"OSTINATO_STORE_URL": "postgresql://user@127.0.0.1:1/db"}
    for env, said in (
        ({**server, "OSTINATO_LANES": "2"}, "OSTINATO_LANES is 2: say by OSTINATO_LANE which one is this worker's."),
        ({**server, **lane(2)}, NO_LANE.format(2, 2, 1)),
        ({"OSTINATO_LANE": "1"}, NO_LANE.format(1, 1, 0)),
        (lane(0), "OSTINATO_STORE_URL cannot be used: more than one lane, OSTINATO_LANES, needs PostgreSQL."),
    ):
        with alone.worker(env=env) as worker:
            assert 1 == ended(worker)
        assert said in alone.log("worker").splitlines()


@pytest.mark.long
@ON_POSTGRESQL
def test_up_runs_a_worker_for_each_lane(home: Path, database: Database) -> None:
    """Each with a log of its own."""
    url = database.new_store()
    with Product(home, store_url=url) as product, product.up(env={"OSTINATO_LANES": "2"}):
        product.wait_for(applied=1)
        product.wait_for_workers(2)
        send(product, messages(), 2)
        stats = product.wait_for(applied=81)
        assert product.log("worker-0")
        assert product.log("worker-1")
    database.drop(url)
    assert (40, 40) == (stats.patterns, stats.applications)
