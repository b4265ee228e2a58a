"""Two installations on one database of a broker, each behind its own prefix."""

import sys
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ostinato.messages.routing import QUEUE
from store.database.tables import quarantine
from tests.integration.worker.test_flower import OPTIONS, done
from tests.product import Product
from tests.readers.dashboard import Dashboard
from tests.servers.brokers import Server, free_port
from tests.waiting import wait_until

EVERY_SECOND = {"OSTINATO_RECALCULATE_EVERY": "1"}
PRODUCER = """
import sys
from ostinato import record_pattern
for number in range(int(sys.argv[1])):
    record_pattern.delay(pattern_type="test", pattern_name=f"sighting {number}")
"""


@pytest.fixture
def pair(broker: Server, home: Path) -> Generator[tuple[Product, Product]]:
    """Two that share a broker, of each kind in turn."""
    url = broker.url or Product(home).settings.broker_address
    with ExitStack() as products:
        made: list[Product] = []
        for name in ("left", "right"):
            (home / name).mkdir()
            made.append(products.enter_context(Product(home / name, url, prefix=f"{name}.")))
        yield made[0], made[1]


def send(product: Product, count: int) -> None:
    """Send sightings as a producer does that has the settings from its environment."""
    assert (0, "") == product.run(sys.executable, "-c", PRODUCER, str(count))[::2]


def status(product: Product) -> dict[str, object]:
    """What `ostinato status` says."""
    return dict(product.cli("status", "--json").json())


def test_neither_sees_the_other(pair: tuple[Product, Product]) -> None:
    """Messages, workers, slots of beat and what is replayed stay apart; every key has one of the prefixes."""
    left, right = pair
    assert 0 == right.cli("migrate").code
    send(right, 3)
    with left.worker(), left.beat(env=EVERY_SECOND):
        left.wait_for_workers(1)
        send(left, 2)
        left.wait_for(patterns=2)
        wait_until(lambda: left.store.stats().last_recalculation, why="a slot of beat's has arrived")
        assert (3, False) == (status(right)["queued"], status(right)["worker"])
        assert [True, 2] == [status(left)[name] for name in ("worker", "patterns")]
        keys = left.keys()
    assert [] == [key for key in keys if not key.startswith(("left.", "right."))]
    assert {f"right.{QUEUE}"} < {key for key in keys if key.startswith("right.")}
    with right.worker():
        assert 3 == right.wait_for(applied=3).patterns


def test_what_is_replayed_comes_back_behind_the_prefix(pair: tuple[Product, Product]) -> None:
    """A whole item of the queue."""
    product, _ = pair
    product.client.lpush(f"left.{QUEUE}", b"no message")
    with product.worker():
        product.wait_for(quarantined=1)
    [message] = product.rows(quarantine)
    assert 0 == product.cli("quarantine", "replay", str(message["id"])).code
    assert [b"no message"] == product.client.lrange(f"left.{QUEUE}", 0, -1)


@pytest.mark.long
def test_the_dashboard_shows_the_tasks_of_its_own(pair: tuple[Product, Product]) -> None:
    """Events pass behind the prefix, too."""
    left, right = pair
    port = free_port()
    command = (sys.executable, "-m", "celery", "-A", "worker", "flower", f"--port={port}", *OPTIONS)
    dashboard = Dashboard(port)
    with left.start("flower", *command), right.worker("right"), left.worker("left"):
        wait_until(dashboard.answers, why="the dashboard answers")
        right.wait_for_workers(1)
        left.wait_for_workers(1)
        send(right, 1)
        right.wait_for(applied=1)
        send(left, 1)
        [task] = wait_until(lambda: done(dashboard), why="the dashboard shows the task")
    assert str(task["worker"]).startswith("left@")
