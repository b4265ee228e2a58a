"""The transport itself, without Celery: where a message is at each moment (decision 14)."""

import json
from collections.abc import Generator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
from kombu.transport import virtual

from ostinato.messages.models import RecordPattern
from ostinato.messages.routing import QUEUE
from ostinato.publishing.publisher import producer_app, publish
from ostinato.settings.broker import BrokerSettings
from tasks.receiver import RawDelivery
from tests.fetching import Fetching
from tests.product import Product
from tests.samples.envelopes import body, envelope, text
from tests.servers.brokers import Client, Server, client
from tests.waiting import wait_until
from worker.broker.redis.client import redis_client
from worker.broker.redis.taken import Taken
from worker.broker.redis.transport import ALONG_BYTES, ALONG_COUNT

pytestmark = pytest.mark.each_broker

TAKEN = f"{QUEUE}.taken.me"


@pytest.fixture
def address(broker: Server, home: Path) -> str:
    """The address of a running broker, of each kind in turn."""
    with Product(home, broker.url) as product:
        return product.settings.broker_address


@pytest.fixture
def asked(address: str) -> Generator[Client]:
    """A client of that broker."""
    with closing(client(address)) as asked:
        yield asked


@pytest.fixture
def fetching(address: str) -> Generator[Fetching]:
    """A consumer at that broker."""
    fetching = Fetching(address)
    yield fetching
    fetching.connection.close()


def send(address: str, *names: str, prefix: str = "") -> None:
    """Send sightings as a producer does."""
    app = producer_app(BrokerSettings(broker_url=address, broker_prefix=prefix))
    for name in names:
        publish(app, RecordPattern(pattern_type="T", pattern_name=name))
    app.close()


def name_of(message: virtual.Message) -> str:
    """The pattern that a delivered message is about."""
    return str(json.loads(cast("Any", message).payload[0][0])["pattern_name"])


def test_a_message_is_in_a_list_until_it_is_acknowledged(address: str, fetching: Fetching, asked: Client) -> None:
    """In the queue, then among what was taken, then nowhere."""
    send(address, "one", "two")
    assert (2, 0) == (asked.llen(QUEUE), asked.llen(TAKEN))
    fetching.fetch()
    assert (1, 1) == (asked.llen(QUEUE), asked.llen(TAKEN))
    fetching.ack(0)
    assert (1, 0) == (asked.llen(QUEUE), asked.llen(TAKEN))


def test_no_more_is_taken_than_may_be(address: str, fetching: Fetching, asked: Client) -> None:
    """The second stays in the queue, for another worker, until the first is done; in the order of sending."""
    send(address, "one", "two")
    fetching.fetch()
    fetching.tick()
    assert (["one"], 1) == ([name_of(each) for each in fetching.delivered], asked.llen(QUEUE))
    fetching.ack(0)
    fetching.fetch()
    assert ["one", "two"] == [name_of(each) for each in fetching.delivered]


def test_a_message_that_is_put_back_is_the_next(address: str, fetching: Fetching, asked: Client) -> None:
    """Before those that came after it; and one that is rejected for good is gone."""
    send(address, "one", "two")
    fetching.fetch()
    fetching.delivered[0].requeue()
    assert (2, 0) == (asked.llen(QUEUE), asked.llen(TAKEN))
    fetching.fetch()
    assert "one" == name_of(fetching.delivered[1])
    fetching.delivered[1].reject()
    fetching.channel.settle()
    assert (1, 0) == (asked.llen(QUEUE), asked.llen(TAKEN))


def test_what_is_not_acknowledged_is_given_back_at_the_end(address: str, asked: Client) -> None:
    """Also what the broker sent while the connection was being closed."""
    fetching = Fetching(address)
    send(address, "one", "two")
    fetching.fetch()
    fetching.connection.close()
    assert (2, 0) == (asked.llen(QUEUE), asked.llen(TAKEN))


def test_a_message_that_others_recovered_is_not_given_back_twice(
    address: str, fetching: Fetching, asked: Client
) -> None:
    """Nor is it an error to acknowledge it late."""
    send(address, "one")
    fetching.fetch()
    assert asked.lmove(TAKEN, QUEUE, "LEFT", "RIGHT") is not None
    fetching.delivered[0].requeue()
    assert (1, 0) == (asked.llen(QUEUE), asked.llen(TAKEN))
    fetching.channel.done(fetching.delivered[0].delivery_tag)
    fetching.channel.settle()
    assert 1 == asked.llen(QUEUE)


def test_a_message_whose_answer_was_lost_is_fetched_again(address: str, fetching: Fetching, asked: Client) -> None:
    """The broker has moved it, but the connection broke before the worker had the answer."""
    fetching.tick()
    send(address, "one")
    wait_until(lambda: asked.llen(TAKEN) == 1, why="the broker has moved it")
    fetching.channel.client.connection.disconnect()
    fetching.fetch()
    assert (["one"], 1) == ([name_of(each) for each in fetching.delivered], asked.llen(TAKEN))


def test_a_fetch_is_not_sent_twice_on_one_connection(address: str, fetching: Fetching, asked: Client) -> None:
    """Kombu asks again when it had to register a connection again; the answer that is due is enough."""
    fetching.tick()
    vars(fetching.channel)["_in_poll"] = False
    fetching.tick()
    send(address, "one", "two")
    fetching.fetch()
    fetching.tick()
    assert (1, 1) == (asked.llen(QUEUE), asked.llen(TAKEN))


@pytest.mark.parametrize("raw", [b"no message", json.dumps(envelope(body([text()]), id=None)).encode()])
def test_what_is_refused_is_kept_first_and_removed_then(fetching: Fetching, asked: Client, raw: bytes) -> None:
    """A worker that is to stop before it is kept leaves it to the next one."""
    asked.lpush(QUEUE, raw)
    fetching.fetch()
    fetching.channel.settle()
    assert [raw] == [each for each, _ in fetching.refused]
    assert (0, 0) == (asked.llen(QUEUE), asked.llen(TAKEN))
    fetching.stopping = True
    asked.lpush(QUEUE, raw)
    fetching.fetch()
    assert (0, 1) == (asked.llen(QUEUE), asked.llen(TAKEN))
    fetching.connection.close()
    assert (1, 0) == (asked.llen(QUEUE), asked.llen(TAKEN))


def test_keys_may_have_a_prefix(address: str, asked: Client) -> None:
    """As kombu's own producers write them, given the same."""
    fetching = Fetching(address, prefix="fleet.")
    send(address, "one", prefix="fleet.")
    fetching.fetch()
    assert (1, 0) == (asked.llen(f"fleet.{TAKEN}"), asked.llen(TAKEN))
    fetching.ack(0)
    assert 0 == asked.llen(f"fleet.{TAKEN}")
    fetching.connection.close()


def test_messages_with_a_priority_are_brought_in_many_at_a_time(address: str, asked: Client) -> None:
    """In their order; one by one, a hundred thousand of them took a worker longer than it may show no life."""
    asked.lpush(f"{QUEUE}\x06\x169", *(str(number).encode() for number in range(3_000)))
    before = asked.info("commandstats").get("cmdstat_eval", {"calls": 0})["calls"]
    with closing(redis_client(address)) as client:
        Taken(client, "me").level()
    assert 20 > asked.info("commandstats")["cmdstat_eval"]["calls"] - before
    assert [b"2999", b"0", 3_000] == [*asked.lrange(QUEUE, 0, 0), *asked.lrange(QUEUE, -1, -1), asked.llen(QUEUE)]


@pytest.fixture
def ahead(address: str) -> Generator[tuple[Fetching, list[list[str]]]]:
    """A consumer that fetches more along, and the patterns of what was to be applied ahead, each time."""
    groups: list[list[str]] = []

    def take(delivered: Sequence[RawDelivery]) -> None:
        groups.append([str(json.loads(each.text)["pattern_name"]) for each in delivered])

    fetching = Fetching(address, ahead=take)
    yield fetching, groups
    fetching.connection.close()


def test_small_messages_that_wait_are_fetched_along(
    address: str, ahead: tuple[Fetching, list[list[str]]], asked: Client
) -> None:
    """All are applied ahead, in the order of sending, before the first task is run; each is listed until it is done."""
    fetching, groups = ahead
    send(address, "one", "two", "three")
    fetching.fetch()
    assert [["one", "two", "three"]] == groups
    assert ["one", "two", "three"] == [name_of(each) for each in fetching.delivered]
    assert (0, 3) == (asked.llen(QUEUE), asked.llen(TAKEN))
    fetching.delivered[1].ack()
    assert (0, 3) == (asked.llen(QUEUE), asked.llen(TAKEN))
    fetching.channel.settle()
    assert (0, 2) == (asked.llen(QUEUE), asked.llen(TAKEN))
    fetching.connection.close()
    assert (2, 0) == (asked.llen(QUEUE), asked.llen(TAKEN))


def test_no_more_is_fetched_along_than_is_quick(
    address: str, ahead: tuple[Fetching, list[list[str]]], asked: Client
) -> None:
    """Neither too many messages nor large ones; one that came alone is not applied ahead."""
    fetching, groups = ahead
    send(address, *(str(number) for number in range(ALONG_COUNT + 3)))
    fetching.fetch()
    assert (2, [ALONG_COUNT + 1]) == (asked.llen(QUEUE), [len(each) for each in groups])
    for message in fetching.delivered:
        message.ack()
    for content in ("x" * ALONG_BYTES, text()):
        asked.lpush(QUEUE, json.dumps(envelope(body([content]))).encode())
    fetching.fetch()
    assert (2, [ALONG_COUNT + 1, 2]) == (asked.llen(QUEUE), [len(each) for each in groups])
    for message in fetching.delivered[-2:]:
        message.ack()
    fetching.fetch()
    assert (1, 1, 2) == (asked.llen(QUEUE), asked.llen(TAKEN), len(groups))


def test_what_is_refused_is_not_applied_ahead(ahead: tuple[Fetching, list[list[str]]], asked: Client) -> None:
    """It is kept, and what was fetched along goes on."""
    fetching, groups = ahead
    good = json.dumps(envelope(body([text()]))).encode()
    for raw in (good, b"no message", good, json.dumps(envelope(body([text(), text()]))).encode()):
        asked.lpush(QUEUE, raw)
    fetching.fetch()
    assert ([b"no message"], 3) == ([raw for raw, _ in fetching.refused], len(fetching.delivered))
    assert [2] == [len(each) for each in groups]
    fetching.channel.settle()
    assert 3 == asked.llen(TAKEN)


def test_a_consumer_that_is_cancelled_meanwhile_gets_no_more(
    address: str, ahead: tuple[Fetching, list[list[str]]], asked: Client
) -> None:
    """As SIGQUIT does it: the rest is given back."""
    send(address, "one", "two", "three")
    cancel = (fetching := ahead[0]).channel._basic_cancel  # noqa: SLF001 - at once, not after the read
    fetching.then = partial(cancel, *fetching.channel._consumers)  # noqa: SLF001 - its tag
    fetching.fetch()
    assert ["one"] == [name_of(each) for each in fetching.delivered]
    fetching.connection.close()
    assert (3, 0) == (asked.llen(QUEUE), asked.llen(TAKEN))
