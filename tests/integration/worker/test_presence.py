"""Which workers are present, and what waits where, as a Redis or Valkey server with other keys tells it."""

from collections.abc import Generator
from contextlib import closing

import pytest

from ostinato.messages.routing import MOST_LANES, queue_of
from tests.product import Product
from tests.servers.brokers import Client
from worker.broker.redis.client import RedisClient

pytestmark = pytest.mark.each_broker

LONG = "9" * 5_000


@pytest.fixture
def broker(product: Product) -> Generator[RedisClient]:
    """The client under test."""
    with closing(RedisClient(product.settings)) as broker:
        yield broker


@pytest.fixture
def client(product: Product) -> Generator[Client]:
    """Another client, which may do everything."""
    with closing(product.client) as client:
        yield client


def test_a_worker_is_present_until_gone(broker: RedisClient) -> None:
    """Each counts by part and lane; one that says it twice counts once."""
    for name in ("celery@a", "celery@a", "celery@b/lane3"):
        broker.say_present("worker", name)
    broker.say_present("beat", "beat")
    assert {0: 1, 3: 1} == broker.state().served
    broker.say_gone("worker", "celery@b/lane3")
    assert {0: 1} == broker.state().served


def test_a_silent_worker_is_gone(broker: RedisClient, client: Client) -> None:
    """By the server's clock; the next worker that says that it is present removes silent ones."""
    client.zadd("ostinato:worker", {b"here celery@silent": 1.0})
    assert {} == broker.state().served
    broker.say_present("worker", "celery@a")
    assert 1 == len(client.zrange("ostinato:worker", 0, -1))


def test_foreign_names_do_no_harm(broker: RedisClient, client: Client) -> None:
    """Keys and names with numbers that no lane has, however long."""
    for name in (queue_of(1)[:-1] + LONG, queue_of(MOST_LANES), "ostinato.lanes", "ostinato.lane²"):
        client.lpush(name, b"x")
    client.lpush(queue_of(MOST_LANES - 1), b"x")
    for name in (f"celery@a/lane{LONG}", "celery@b/lane²", "celery@c/lane", "celery@d"):
        broker.say_present("worker", name)
    state = broker.state()
    assert ({0: 0, MOST_LANES - 1: 1}, {0: 4}) == (state.lanes, state.served)


def test_nothing_is_searched_for(broker: RedisClient, client: Client) -> None:
    """A database that others share may hold millions of keys."""
    before = searches(client)
    broker.say_present("worker", "celery@a")
    assert broker.state().served
    assert not broker.is_present("beat", "here")
    assert before == searches(client)


def searches(client: Client) -> int:
    """How often the server has been asked to search all keys."""
    asked = client.info("commandstats")
    return sum(int(asked.get(f"cmdstat_{name}", {"calls": 0})["calls"]) for name in ("scan", "keys"))
