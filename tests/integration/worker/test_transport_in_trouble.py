"""The transport where something happens between a fetch and what follows it."""

from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest
from typing_extensions import override

from ostinato.messages.routing import QUEUE
from tasks.receiver import RawDelivery
from tests.integration.worker.test_transport import TAKEN, Fetching, name_of, send
from tests.product import Product
from tests.servers.brokers import Client, EmbeddedValkey, client


@pytest.fixture
def address(home: Path) -> Generator[str]:
    """The address of a running broker."""
    with EmbeddedValkey(home), Product(home) as product:
        yield product.settings.broker_address


@pytest.fixture
def asked(address: str) -> Generator[Client]:
    """A client of that broker."""
    with closing(client(address)) as asked:
        yield asked


def ahead(_: Sequence[RawDelivery]) -> None:
    """Apply nothing."""


class Ending(Fetching):
    """A consumer that is to end while its first message is handled."""

    @override
    def _take(self, message: object) -> None:
        super()._take(message)
        # Else kombu would cancel, later on, what the channel does not have any more.
        cast("set[str]", vars(self.channel)["_consumers"]).clear()
        self.channel.close()


def test_what_cannot_be_fetched_along_is_fetched_later(address: str, asked: Client) -> None:
    """The message that came is delivered all the same; here the broker refuses the script that looks for more."""
    fetching = Fetching(address, ahead=ahead)
    fetching.tick()
    cast("Any", asked).execute_command("ACL SETUSER", "default", "-eval")
    send(address, "one", "two")
    fetching.fetch()
    assert (["one"], 1) == ([name_of(each) for each in fetching.delivered], asked.llen(QUEUE))
    cast("Any", asked).execute_command("ACL SETUSER", "default", "+eval")
    fetching.ack(0)
    fetching.fetch()
    assert (["one", "two"], 0) == ([name_of(each) for each in fetching.delivered], asked.llen(QUEUE))
    fetching.connection.close()


def test_what_was_fetched_along_is_given_back_at_the_end(address: str, asked: Client) -> None:
    """It is not handed over any more once the worker leaves; the next one finds all of it."""
    send(address, "one", "two", "three")
    ending = Ending(address, ahead=ahead)
    ending.fetch()
    assert ["one"] == [name_of(each) for each in ending.delivered]
    assert (3, 0) == (asked.llen(QUEUE), asked.llen(TAKEN))
    following = Fetching(address, ahead=ahead)
    following.fetch()
    assert {"one", "two", "three"} == {name_of(each) for each in following.delivered}
    following.connection.close()
