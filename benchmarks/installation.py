"""Ostinato as it is measured: the processes that its users run, in a temporary folder, with the settings they get."""

import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from pathlib import Path

from store.database.counters import APPLIED, read_counters
from store.database.engines import reader_engine, store_url
from tests.product import Product
from tests.servers import postgresql
from tests.servers.brokers import EmbeddedValkey
from tests.servers.databases import PostgresqlDatabase
from tests.waiting import wait_until


@contextmanager
def installation(store: str | None = None) -> Generator[Product]:
    """A broker that runs, its file synced every second, and an SQLite store or the one at this URL; no worker yet."""
    with tempfile.TemporaryDirectory(prefix="ostinato-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        with EmbeddedValkey(home), Product(home, store_url=store) as product:
            yield product


@contextmanager
def durable_postgresql() -> Generator[PostgresqlDatabase]:
    """A server of its own, which syncs every commit; RuntimeError where it is not installed."""
    server = postgresql.own_server(durable=True)
    if server is None:
        raise RuntimeError(postgresql.MISSING)
    with server, closing(PostgresqlDatabase(server.url)) as database:
        yield database


def sqlite_path(product: Product) -> Path:
    """The file of the store."""
    return Path(str(store_url(product.settings.store_address).database))


@contextmanager
def counting(product: Product) -> Generator[Callable[[], int]]:
    """What gives the number of messages applied so far, by a question that costs next to nothing."""
    engine = reader_engine(store_url(product.settings.store_address))
    try:
        with engine.connect() as connection:

            def applied() -> int:
                with connection.begin():
                    return read_counters(connection)[APPLIED]

            yield applied
    finally:
        engine.dispose()


def rate_of(done: Callable[[], int], count: int) -> float:
    """How many a second are done, from the moment that work on a backlog of ``count`` is seen to go on."""
    start, began, first = done(), time.monotonic(), 0
    seen = wait_until(lambda: max(0, done() - start), why="the backlog gets shorter")
    if seen < count:
        began, first = time.monotonic(), seen
    wait_until(lambda: done() - start >= count, why=f"{count} are done")
    return (count - first) / (time.monotonic() - began)
