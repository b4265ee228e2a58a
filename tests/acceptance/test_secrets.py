"""Passwords of broker, store and dashboard: in no log, sentence, traceback or command line, whatever goes wrong."""

import secrets
import sys
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.leftovers import processes_of
from tests.product import Product
from tests.readers.dashboard import only_one
from tests.servers.brokers import free_port, program
from tests.servers.guarded import GuardedServer
from tests.waiting import wait_until
from worker.processes.services import Services
from worker.settings import Settings

SECRET = secrets.token_hex(16)
# Written as in a URL, so that it appears in two forms.
WRITTEN = f"%40%2F%3A{SECRET}"
LINE = '{"kind": "record_pattern", "pattern_type": "test", "pattern_name": "x"}\n'
DELAY = 'from ostinato import record_pattern as r; r.delay(pattern_type="test", pattern_name="x")'
# Where a broker, then where a store is to be found, and a part of what the processes then say of it.
TROUBLE = {
    "wrong password": ("redis://worker:{secret}@127.0.0.1:{port}/0", "username-password"),
    "nothing listens": ("redis://worker:{secret}@127.0.0.1:1/0", "refused"),
}
STORES = (
    "postgresql+psycopg://ostinato:{secret}@127.0.0.1:1/x?sslpassword={secret}",
    "postgresql+psycopg://ostinato@127.0.0.1:1/x?password={secret}&nonsense={secret}",
    "mysql://ostinato:{secret}@127.0.0.1/x?password={secret}&key={secret}",
    "password={secret}",
)
COMMANDS = (("status",), ("status", "--json"), ("send", "-"), ("recalculate",), ("patterns", "list"), ("migrate",))


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Generator[int]:
    """The port of a server that knows other passwords."""
    binary = program("valkey")
    assert binary is not None
    with GuardedServer(binary, tmp_path_factory.mktemp("h")) as server:
        yield urlsplit(server.url).port or 0


@pytest.fixture
def product(tmp_path_factory: pytest.TempPathFactory) -> Generator[Product]:
    """The product, with the secret as the dashboard's password and with everything in its logs."""
    with Product(tmp_path_factory.mktemp("h")) as product:
        product.env |= {"OSTINATO_LOG_LEVEL": "DEBUG", "OSTINATO_FLOWER_AUTH": f"me:{SECRET}"}
        yield product


def written(product: Product) -> Iterator[tuple[str, str]]:
    """What all processes have written so far, and how those that run now were called."""
    for file in (each for folder in ("logs", "runs") for each in (product.home / folder).glob("*") if each.is_file()):
        yield file.name, file.read_text(encoding="utf-8")
    yield "command lines", "\n".join(processes_of(product.home))


def assert_secret(product: Product) -> None:
    """Nothing of all that has the secret in it, though every process has been told it."""
    assert [] == [name for name, text in written(product) if SECRET in text]


@pytest.mark.long
@pytest.mark.parametrize(("url", "said"), TROUBLE.values(), ids=TROUBLE)
def test_no_process_tells_the_brokers_password(product: Product, port: int, url: str, said: str) -> None:
    """Worker, beat, Flower, `up` and every command, with a broker that they cannot use."""
    env = {"OSTINATO_BROKER_URL": url.format(secret=WRITTEN, port=port)}
    assert 0 == product.cli("migrate").code
    flower = (sys.executable, "-m", "celery", "-A", "worker", "flower", f"--port={free_port()}", "--address=127.0.0.1")
    with ExitStack() as running:
        for child in (
            product.worker(env=env),
            product.beat(env=env),
            product.start("flower", *flower, env=env | {"FLOWER_BASIC_AUTH": f"me:{SECRET}"}),
        ):
            running.enter_context(child)
        codes = [product.cli(*words, stdin=LINE, env=env).code for words in (*COMMANDS, ("up", "--flower"))]
        assert [3, 3, 3, 3, 0, 0, 3] == codes
        assert 1 == product.run(sys.executable, "-c", DELAY, env=env).code
        assert 0 == product.run(sys.executable, "-m", "celery", "-A", "worker", "report", env=env).code
        for name in ("worker", "beat"):
            wait_until(lambda name=name: said in product.log(name), why=f"{name} says what is wrong")
        assert "worker:**@" in product.log("flower")
        assert_secret(product)
    assert_secret(product)


@pytest.mark.parametrize("url", STORES)
def test_no_process_tells_the_stores_password(product: Product, url: str) -> None:
    """With a store that is away, whose URL is not accepted by its driver, or is none."""
    env = {"OSTINATO_STORE_URL": url.format(secret=SECRET)}
    with product.worker(env=env) as worker:
        for words in (("status",), ("patterns", "list"), ("migrate",), ("up",), ("quarantine", "list", "--json")):
            assert product.cli(*words, env=env).code in {2, 4}
        wait_until(lambda: worker.poll() is not None or "store_unavailable" in product.log("worker"), why="it says so")
    assert_secret(product)


def test_a_running_ostinato_tells_no_password(product: Product) -> None:
    """Nor in its processes' command lines, while all of them run as they should; each has it in its environment."""
    with only_one(), product.up("--flower"):
        product.wait_for(applied=1)
        names = [each.partition(" ")[0] for each in processes_of(product.home) if "flower" in each]
        assert any(SECRET.encode() in Path(f"/proc/{pid}/environ").read_bytes() for pid in names)
        assert_secret(product)
    assert_secret(product)


def test_nothing_that_holds_a_password_shows_it(tmp_path: Path) -> None:
    """However it is printed: the settings, and how the processes are started."""
    url = f"redis://worker:{WRITTEN}@broker/0"
    settings = Settings(home=tmp_path, broker_url=url, store_url=None, flower_auth=f"me:{SECRET}")
    with Services(settings, flower_auth=settings.flower_auth) as specs:
        assert SECRET in str(specs[0].env)
        assert SECRET not in f"{settings!r} {settings} {specs!r}"
