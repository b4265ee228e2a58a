"""A PostgreSQL server that is down, or does not answer."""

import socket
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager

import pytest
from structlog.testing import capture_logs
from typing_extensions import override

from ostinato.messages.models import RecordPattern
from store.database.locks import Locks
from store.database.schema import migrate
from store.errors import StoreUnavailable
from store.reading.store import Store
from store.writing.transaction import Clock, Transaction, Writer
from tasks.receiver import Receiver
from tests.conftest import missing
from tests.integration.store.bench import NOW, sighting
from tests.integration.store.lanes import applied_in_lane
from tests.servers import postgresql
from tests.servers.postgresql import OwnServer

SAID = (
    r"\AThe store at postgresql\+psycopg://[^\n]* is unavailable \(OperationalError: [^\n]*\): see that its server "
    r"runs, and that OSTINATO_STORE_URL names it and a user who may work with it\.\Z"
)


@pytest.fixture
def server() -> Generator[OwnServer]:
    """A server of this test's own, which it may stop."""
    with postgresql.own_server() or missing(postgresql.MISSING) as server:
        yield server


def receive(writer: Writer, pause: Callable[[float], bool]) -> None:
    """Receive a message."""
    message = RecordPattern(pattern_type="T", pattern_name="n")
    Receiver(writer, lambda: NOW, pause).receive(message.KIND, message.content(), "d")


def test_a_message_waits_for_a_server_that_is_down(server: OwnServer) -> None:
    """And is applied once it is up again; readers are told in one line (spec 7, exactly once)."""
    url = server.url.render_as_string(hide_password=False)
    migrate(url)
    with closing(Writer(url)) as writer, Store(url) as reader, capture_logs() as logs:
        receive(writer, bool)
        server.stop()
        with pytest.raises(StoreUnavailable, match=SAID):
            reader.stats()
        receive(writer, lambda _: server.start() is None)
        assert 2 == reader.stats().applied

    said = [entry["event"] for entry in logs if entry["event"].startswith("store_")]
    assert ["store_unavailable", "store_available_again"] == said


def test_a_lane_waits_for_a_server_that_is_down(server: OwnServer) -> None:
    """The message waits; it is no reason to try again alone in the store."""
    url = server.url.render_as_string(hide_password=False)
    migrate(url)
    with closing(AttemptsCounted(url, 1)) as writer:
        receive(writer, bool)
        before = writer.attempts
        server.stop()
        with pytest.raises(StoreUnavailable):
            applied_in_lane(writer, [sighting("n")])
        assert before + 1 == writer.attempts


class AttemptsCounted(Writer):
    """The product's writer, which counts its transactions."""

    attempts = 0

    @contextmanager
    @override
    def transaction(self, clock: Clock, locks: Locks | None = None) -> Generator[Transaction]:
        self.attempts += 1
        with super().transaction(clock, locks) as transaction:
            yield transaction


def test_a_server_that_does_not_answer_is_trouble() -> None:
    """A server that takes the connection and never answers; no password is shown."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://user:s3cret@127.0.0.1:{silent.getsockname()[1]}/db?sslpassword=s3cret"
        with Store(url) as reader, pytest.raises(StoreUnavailable) as said:
            reader.stats()

    assert "timeout" in str(said.value)
    assert "s3cret" not in str(said.value)
