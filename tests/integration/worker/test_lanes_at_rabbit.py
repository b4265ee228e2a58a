"""Workers of two lanes at a RabbitMQ server, with their store on PostgreSQL."""

import os
import signal
from collections.abc import Generator
from pathlib import Path

import pytest

from ostinato import Producer
from ostinato.messages.routing import queue_of
from store.database.tables import patterns
from tests.integration.worker.test_lanes import lane, messages
from tests.product import Product
from tests.servers.databases import Database
from tests.servers.rabbit import QUEUES, RabbitServer
from tests.waiting import LONGEST, ended, wait_until

TWO = {"OSTINATO_LANES": "2"}


@pytest.fixture
def at_rabbit(home: Path, rabbit_server: RabbitServer, database: Database) -> Generator[Product]:
    """The product at a RabbitMQ server without queues, its store on a server."""
    rabbit_server.clear(*QUEUES)
    url = database.new_store()
    with Product(home, rabbit_server.url, url) as product:
        yield product
    database.drop(url)
    rabbit_server.clear(*QUEUES)


def waiting(server: RabbitServer) -> list[tuple[int, int]]:
    """How many messages wait, and how many workers consume, in each lane."""
    return list(server.counts(queue_of(0), queue_of(1)))


@pytest.mark.long
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_each_lane_has_a_queue_and_survives_a_kill(at_rabbit: Product, rabbit_server: RabbitServer) -> None:
    """What was sent while a lane had no worker is applied by its next one; the other lane goes on meanwhile."""
    settings = at_rabbit.settings.model_copy(update={"lanes": 2})
    with at_rabbit.worker("zero", env=lane(0)):
        with at_rabbit.worker("one", env=lane(1)) as one:
            wait_until(lambda: waiting(rabbit_server) == [(0, 1), (0, 1)], why="both consume")
            os.kill(one.pid, signal.SIGKILL)
            ended(one)
        wait_until(lambda: waiting(rabbit_server)[1] == (0, 0), why="its connection is gone")
        with Producer(settings) as producer:
            for message in messages():
                producer.send(message)
            assert producer.flush(LONGEST)
        wait_until(lambda: waiting(rabbit_server)[0] == (0, 1), why="lane 0 is empty")
        assert waiting(rabbit_server)[1][0] > 0
        facts = at_rabbit.cli("status", "--json", env=TWO).json()
        assert ("1", False) == (facts["lanes_without_worker"], facts["worker"])
        with at_rabbit.worker("one again", env=lane(1)):
            stats = at_rabbit.wait_for(applied=80)
    assert (40, 40, 0, 0, True) == (stats.patterns, stats.applications, stats.parked, stats.duplicates, stats.balanced)
    counted = {(row["occurrence_count"], row["led_to_success_count"]) for row in at_rabbit.rows(patterns)}
    assert {(1, 1)} == counted
