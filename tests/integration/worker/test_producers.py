"""What a producer gets for what it calls: an exception where something is wrong, and never a call that hangs."""

import socket
import sys
from collections.abc import Generator
from contextlib import contextmanager

import pytest

from ostinato import Producer, record_pattern
from ostinato.settings.outbox import OutboxSettings
from tests.product import Env, Finished, Product
from tests.servers.brokers import free_port
from tests.waiting import LONGEST

BAD_FIELDS = """
from ostinato.errors import MalformedMessage
from ostinato import record_pattern
try:
    record_pattern.delay(pattern_type="test", pattern_name="")
except MalformedMessage as error:
    print(error.reason_code)
"""

NO_BROKER = """
from ostinato.errors import BrokerUnavailable
from ostinato import record_pattern
for name in ("first", "second"):
    try:
        record_pattern.delay(pattern_type="test", pattern_name=name)
    except BrokerUnavailable as error:
        print(error)
"""

LOADED = """
import sys
from ostinato import Producer, record_pattern
with Producer() as producer:
    producer.record_pattern(pattern_type="test", pattern_name="by a producer")
    assert producer.flush(600)
record_pattern.delay(pattern_type="test", pattern_name="by delay")
record_pattern.s(pattern_type="test", pattern_name="in a canvas")
print({*sys.argv[1:]} & set(sys.modules))
"""
# What the server is made of.
SERVERS = (
    "worker",
    "tasks",
    "store",
    "sqlalchemy",
    "alembic",
    "flower",
    "typer",
    "rich",
    "jinja2",
    "prometheus_client",
)

POSITIONAL = """
from ostinato import soft_delete_pattern
try:
    soft_delete_pattern.delay("some pattern")
except TypeError as error:
    print(error)
"""


@contextmanager
def hanging() -> Generator[str]:
    """A server that takes connections, and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"redis://127.0.0.1:{server.getsockname()[1]}"


def script(product: Product, code: str, env: Env = None) -> Finished:
    """A producer that runs to its end."""
    finished = product.run(sys.executable, "-c", code, env=env)
    assert (0, "") == (finished.code, finished.err)
    return finished


def test_bad_fields_are_refused_in_the_caller(embedded: Product) -> None:
    """The exception has the reason code, and nothing is sent."""
    assert "pattern_name_length\n" == script(embedded, BAD_FIELDS).out
    assert [] == embedded.client.keys()


def test_fields_are_given_by_name(embedded: Product) -> None:
    """A field without its name is Python's own error, and nothing is sent."""
    assert "soft_delete_pattern takes its fields by name\n" == script(embedded, POSITIONAL).out
    assert [] == embedded.client.keys()


def test_a_task_says_where_it_runs() -> None:
    """Its repr names the worker: the code is not here."""
    assert "<task record_pattern of Ostinato's worker>" == repr(record_pattern)


def test_a_producer_loads_nothing_of_the_server(embedded: Product) -> None:
    """Also where all of it is installed."""
    finished = embedded.run(sys.executable, "-c", LOADED, *SERVERS)
    assert (0, "set()\n", "") == finished


@pytest.mark.parametrize("hangs", [False, True], ids=["refused", "hanging"])
def test_absent_broker_is_an_error_of_the_call(alone: Product, *, hangs: bool) -> None:
    """Whether no process listens or none answers, every call raises BrokerUnavailable with what to do."""
    with hanging() as address:
        url = address if hangs else f"redis://127.0.0.1:{free_port()}"
        lines = script(alone, NO_BROKER, {"OSTINATO_BROKER_URL": url}).out.splitlines()
    assert [True, True] == ["run `ostinato up`" in line for line in lines]


def test_embedded_broker_that_does_not_run_is_an_error_of_the_call(alone: Product) -> None:
    """The same where there is no socket in the home folder."""
    assert 2 == len(script(alone, NO_BROKER).out.splitlines())


def test_sockets_of_others_keep_their_timeout(embedded: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    """A producer lives in another program's process: closing its connection never changes that program's defaults."""
    timeouts: list[float | None] = []
    monkeypatch.setattr(socket, "setdefaulttimeout", timeouts.append)
    with Producer(OutboxSettings(home=embedded.home)) as producer:
        producer.record_pattern(pattern_type="test", pattern_name="polite")
        assert producer.flush(LONGEST)
    assert {None} == set(timeouts)
