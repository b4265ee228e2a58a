"""What several tests need: a home folder, a broker, a store, and processes, none of which outlives the tests."""

import os
import signal
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from playwright.sync_api import Browser

from store.database.schema import migrate
from tests.leftovers import processes_of
from tests.product import Product
from tests.readers.browser import MISSING as NO_BROWSER
from tests.readers.browser import chromium
from tests.servers import brokers, databases, postgresql, rabbit
from tests.servers.brokers import EmbeddedValkey, Server, server
from tests.servers.databases import Database
from tests.servers.rabbit import RabbitServer
from tests.waiting import wait_until

pytest_plugins = ("tests.forms", "tests.faults.report")


def pytest_configure() -> None:
    """Let Ctrl-C reach what the tests start, also where a shell has put them into the background."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_report_header() -> list[str]:
    """Name the servers that the tests run against."""
    return [*brokers.versions(), rabbit.version(), *databases.versions()]


@pytest.fixture(scope="session", autouse=True)
def nothing_left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """At the end of the session no process works in any of its folders, or was told of one."""
    yield
    wait_until(lambda: not processes_of(tmp_path_factory.getbasetemp()), why="every process of the tests has ended")


@pytest.fixture(scope="session", autouse=True)
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What a test does not say where to put never reaches the home folder of the person who runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OSTINATO_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="session", params=databases.KINDS)
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Each kind of database in turn: SQLite, then PostgreSQL; without one, skipped, but failed in CI."""
    with databases.database(request.param, tmp_path_factory.mktemp("databases")) as found:
        yield found or missing(postgresql.MISSING)


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder with a short path, because that of a unix socket is limited."""
    return tmp_path_factory.mktemp("h")


@pytest.fixture(params=brokers.IN_TURN)
def stopped_broker(request: pytest.FixtureRequest, home: Path) -> Server:
    """A broker that does not run yet: the embedded Valkey, then a Redis; without one, skipped, but failed in CI."""
    return server_or_skip(request.param, home)


@pytest.fixture
def broker(stopped_broker: Server) -> Generator[Server]:
    """A running broker, of each kind in turn."""
    with stopped_broker:
        yield stopped_broker


@pytest.fixture
def product(broker: Server, home: Path) -> Generator[Product]:
    """The product in the home folder, with a running broker of each kind in turn."""
    with Product(home, broker.url) as product:
        yield product


@pytest.fixture
def embedded(home: Path) -> Generator[Product]:
    """The product in the home folder, with its embedded broker, which runs."""
    with EmbeddedValkey(home), Product(home) as product:
        yield product


@pytest.fixture
def alone(home: Path) -> Generator[Product]:
    """The product in the home folder, with its embedded broker, which does not run yet."""
    with Product(home) as product:
        yield product


@pytest.fixture(scope="session")
def rabbit_server(tmp_path_factory: pytest.TempPathFactory) -> Generator[RabbitServer]:
    """A RabbitMQ server that runs; without one, skipped, but failed in CI."""
    binary = rabbit.program()
    if binary is None:
        missing(rabbit.MISSING)
    with RabbitServer(binary, tmp_path_factory.mktemp("rabbit")) as server:
        yield server


@pytest.fixture
def at_rabbit(home: Path, rabbit_server: RabbitServer) -> Generator[Product]:
    """The product with an empty store, at a RabbitMQ server without queues."""
    rabbit_server.clear(*rabbit.QUEUES)
    with Product(home, rabbit_server.url) as product:
        migrate(product.settings.store_address)
        yield product
    rabbit_server.clear(*rabbit.QUEUES)


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    """A browser that runs; without one, skipped, but failed in CI."""
    with chromium() as found:
        yield found or missing(NO_BROWSER)


def server_or_skip(kind: str, home: Path) -> Server:
    """A server of this kind, not started; without one, the test is skipped, but fails in CI."""
    return server(kind, home) or missing("there is no redis-server: install one, or set OSTINATO_TEST_REDIS_URL")


def missing(reason: str) -> NoReturn:
    """Skip the test, but fail it in CI."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
