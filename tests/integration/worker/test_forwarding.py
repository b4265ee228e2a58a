"""What a forwarder does if the broker restarts just while it sends, or takes only some messages."""

import json
from collections.abc import Callable, Iterable
from contextlib import ExitStack, closing

import pytest
from typing_extensions import override

from ostinato.errors import BrokerUnavailable
from ostinato.messages.routing import QUEUE, lane_of, queue_of
from ostinato.outbox import forwarder as forwarding
from ostinato.outbox.file import Entry, Outbox
from ostinato.outbox.forwarder import Forwarder
from tests.integration.worker.test_outbox import logged
from tests.product import Product
from tests.servers.brokers import EmbeddedValkey


class Interrupted(Outbox):
    """An outbox; once, something happens between the question for the broker's run and the sending."""

    meanwhile: Callable[[], object] | None = None

    @override
    def first(self, choose: Callable[[Iterable[Entry]], list[Entry]]) -> list[Entry]:
        found = super().first(choose)
        if self.meanwhile is not None:
            self.meanwhile()
            self.meanwhile = None
        return found


def test_what_may_have_met_another_run_is_sent_again(alone: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection finds its way to the next run by itself, so that nothing fails; redis-py sees to that."""
    monkeypatch.setattr(forwarding, "ASK_SECONDS", 0.0)
    with ExitStack() as brokers, Forwarder(alone.settings) as forwarder:
        first = brokers.enter_context(EmbeddedValkey(alone.home))
        with closing(Interrupted(alone.home / "outbox.db")) as outbox:
            outbox.add("one", "record_pattern", "{}", limit=10**9)
            assert (1, 1) == (forwarder.forward(outbox), outbox.upto)

            def restart() -> None:
                first.kill()
                brokers.enter_context(EmbeddedValkey(alone.home))

            outbox.add("two", "record_pattern", "{}", limit=10**9)
            outbox.meanwhile = restart
            forwarder.forward(outbox)
            # Not under the name of the run before, whose last seconds would be counted from then on.
            assert 1 == outbox.upto
            forwarder.forward(outbox)
            assert 2 == outbox.upto
            assert 2 <= alone.client.llen(QUEUE)


def test_what_may_have_met_another_run_beside_a_refusal_is_sent_again(alone: Product) -> None:
    """One of two lanes is refused by the next run, which took the other: nothing is noted under the run before."""
    settings = alone.settings.model_copy(update={"lanes": 2})
    refused = queue_of(1)
    with ExitStack() as brokers, Forwarder(settings) as forwarder:
        first = brokers.enter_context(EmbeddedValkey(alone.home))
        with closing(Interrupted(alone.home / "outbox.db")) as outbox:

            def restart() -> None:
                first.kill()
                brokers.enter_context(EmbeddedValkey(alone.home))
                alone.client.zadd(refused, {b"no list": 0})

            for name, lane in (("one", 0), ("two", 1)):
                outbox.add(name, "record_pattern", text_of_lane(lane), limit=10**9)
            outbox.meanwhile = restart
            with pytest.raises(BrokerUnavailable):
                forwarder.forward(outbox)
            assert (0, 1) == (outbox.upto, alone.client.llen(QUEUE))
            alone.client.zrem(refused, "no list")
            forwarder.forward(outbox)
            assert 2 == outbox.upto
            assert (2, 1) == (alone.client.llen(QUEUE), alone.client.llen(refused))


def test_after_two_refused_lanes_the_others_wait(embedded: Product) -> None:
    """The broker fails then, not a lane: the forwarder does not wait again for each lane."""
    settings = embedded.settings.model_copy(update={"lanes": 3})
    refused = [queue_of(lane) for lane in (0, 1)]
    with Forwarder(settings) as forwarder, closing(Outbox(embedded.home / "outbox.db")) as outbox:
        for queue in refused:
            embedded.client.zadd(queue, {b"no list": 0})
        for lane in range(3):
            outbox.add(f"of lane {lane}", "record_pattern", text_of_lane(lane, 3), limit=10**9)
        with pytest.raises(BrokerUnavailable):
            forwarder.forward(outbox)
        assert (0, 0) == (outbox.upto, embedded.client.llen(queue_of(2)))
        for queue in refused:
            embedded.client.zrem(queue, "no list")
        while outbox.waiting:
            forwarder.forward(outbox)
        assert [1, 1, 1] == [embedded.client.llen(queue_of(lane)) for lane in range(3)]


def test_a_file_that_cannot_be_used_is_said_once(embedded: Product) -> None:
    """At every look."""
    folder = embedded.settings.outbox_folder
    folder.mkdir()
    (folder / "1.db").write_text("something else" * 100)
    with Forwarder(embedded.settings) as forwarder, logged() as records:
        assert [0, 0] == [forwarder.forward_abandoned() for _ in range(2)]
    assert 1 == records.qsize()
    assert "1.db" in records.get().getMessage()


def text_of_lane(lane: int, lanes: int = 2) -> str:
    """A text that goes to this lane, of this number of lanes."""
    texts = (json.dumps({"pattern_id": f"pattern {number}"}) for number in range(100))
    return next(text for text in texts if lane_of(text, lanes) == lane)
