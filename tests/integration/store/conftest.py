"""A store for each test, on each kind of database in turn, unless a test chooses one kind."""

from collections.abc import Generator
from contextlib import closing

import pytest
from hypothesis import settings

from store.reading.store import Store
from store.writing.transaction import Writer
from tests.integration.store.bench import Bench
from tests.integration.store.streams import BOUNDED
from tests.integration.store.trials import Bound, Laboratory
from tests.servers.databases import Database


@pytest.fixture
def store_url(database: Database) -> Generator[str]:
    """The URL of a database of this test's own, without a schema."""
    url = database.new_database()
    yield url
    database.drop(url)


@pytest.fixture
def bench(database: Database) -> Generator[Bench]:
    """An empty store."""
    url = database.new_store()
    with closing(Writer(url)) as writer, Store(url) as store:
        yield Bench(url, writer, store)
    database.drop(url)


@pytest.fixture(scope="module")
def laboratory(database: Database) -> Generator[Laboratory]:
    """One store for many trials; each trial begins with an empty store."""
    with closing(Laboratory(database)) as laboratory:
        yield laboratory


@pytest.fixture
def bound(full: bool) -> Bound:  # noqa: FBT001 - a fixture
    """Searches have the same examples in every run of the short form, and fresh ones in the long one."""
    return lambda examples: settings(BOUNDED, derandomize=not full, max_examples=examples)
