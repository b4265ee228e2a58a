"""A broker that speaks TLS only, with an authority of one's own (docs/how-to/broker.md)."""

import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.conftest import missing
from tests.product import Product
from tests.servers.tls import TlsServer, redis_binary
from tests.waiting import wait_until

GOOD = '{"kind": "record_pattern", "pattern_type": "test", "pattern_name": "x"}\n'
EVERY_SECOND = {"OSTINATO_RECALCULATE_EVERY": "1"}
PRODUCER = """
from ostinato import record_pattern
record_pattern.delay(pattern_type="test", pattern_name="over TLS")
"""
COMMANDS = (("up",), ("send", "-"), ("status",))


@pytest.fixture(params=[False, True], ids=["server's certificate", "both certificates"])
def secure(request: pytest.FixtureRequest, home: Path) -> Generator[TlsServer]:
    """A server that runs; without a redis-server that can, the test is skipped, but fails in CI."""
    binary = redis_binary() or missing("there is no redis-server on the PATH, whose TLS is tested")
    with TlsServer(binary, home, client_certificates=request.param) as server:
        yield server


def test_everything_works_over_tls(secure: TlsServer, home: Path) -> None:
    """Producer, worker with lease and presence, beat, and `ostinato status`, all by one URL."""
    with Product(home, secure.url) as product, product.worker() as worker, product.beat(env=EVERY_SECOND):
        assert (0, "") == product.run(sys.executable, "-c", PRODUCER)[::2]
        product.wait_for_workers(1)
        wait_until(lambda: product.store.stats().last_recalculation, why="a slot of beat's has arrived")
        assert "over TLS" == product.store.patterns()[0].pattern_name
        facts = product.cli("status", "--json").json()
        assert [True, True] == [facts[name] for name in ("broker", "worker")]
        assert "warning" not in product.log("worker") + product.log("beat")
        assert 0 == worker.stop()


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("secure", [False], ids=["server's certificate"], indirect=True)
def test_a_wrong_authority_is_said_in_a_sentence(secure: TlsServer, home: Path, words: tuple[str, ...]) -> None:
    """Without a traceback; exit code 3. Nothing was sent."""
    with Product(home, secure.url) as product:
        assert 0 == product.cli("migrate").code
        wrong = str(secure.url).replace(str(secure.ca), str(secure.other_ca))
        said = product.cli(*words, stdin=GOOD, env={"OSTINATO_BROKER_URL": wrong})
        assert "CERTIFICATE_VERIFY_FAILED" in said.sentence(3, printed=words == ("status",))
        assert 0 == product.client.dbsize()


@pytest.mark.parametrize("secure", [False], ids=["server's certificate"], indirect=True)
def test_a_url_without_an_authority_trusts_only_known_ones(secure: TlsServer, home: Path) -> None:
    """A certificate of an unknown authority is refused, also by a worker, which logs that once and tries again."""
    bare = str(secure.url).partition("?")[0]
    with Product(home, bare) as product, product.worker() as worker:
        wait_until(lambda: "broker_unavailable" in product.log("worker"), why="the worker says that it waits")
        assert "CERTIFICATE_VERIFY_FAILED" in product.cli("send", "-", stdin=GOOD).sentence(3)
        assert [1, 0] == [product.log("worker").count(word) for word in ("broker_unavailable", "Traceback")]
        assert 0 == worker.stop()
