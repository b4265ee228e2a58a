"""What a forwarder notes of a broker that is started anew just while it sends."""

from collections.abc import Callable, Iterable
from contextlib import ExitStack, closing

import pytest
from typing_extensions import override

from tasks import forwarding
from tasks.forwarding import Forwarder
from tasks.outbox import Entry, Outbox
from tasks.routing import QUEUE
from tests.brokers import EmbeddedValkey
from tests.product import Product


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

            def start_anew() -> None:
                first.kill()
                brokers.enter_context(EmbeddedValkey(alone.home))

            outbox.add("two", "record_pattern", "{}", limit=10**9)
            outbox.meanwhile = start_anew
            forwarder.forward(outbox)
            # Not under the name of the run before, whose last seconds would be counted from then on.
            assert 1 == outbox.upto
            forwarder.forward(outbox)
            assert 2 == outbox.upto
            assert 2 <= alone.client.llen(QUEUE)
