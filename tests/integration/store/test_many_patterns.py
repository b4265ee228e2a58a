"""The ranking stays cheap with many patterns, with any filter and while the writer writes (spec section 8)."""

from collections.abc import Generator
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import Connection, make_url, select, text

from store.database.engines import reader_engine
from store.database.tables import patterns
from store.reading.ranking import PATTERN_COLUMNS, Filters, ranked
from store.reading.store import Store
from store.writing.transaction import Writer
from tests.integration.store.bench import NOW
from tests.integration.store.large import counted_work, fill
from tests.servers.databases import Database

COUNT = 40_000
# The most work that a question may take, as a share of the work of reading every pattern.
SHARE = 0.25
FILTERS = [
    {},
    {"include_inactive": True},
    {"min_priority": 0.0},
    {"min_priority": 0.9},
    {"min_priority": 1.0},
    *({"pattern_type": each} for each in ("type", "rare", "none")),
    *({"instrument_name": each} for each in ("instrument", "rare", "none")),
    *({"instrument_name": each, "include_universal": False} for each in ("instrument", "rare", "none")),
    *({"quarantine_status": each} for each in ("pending", "validated", "none")),
    *({"context_tags": each} for each in (("tag",), ("rare",), ("none",), ("tag", "rare"))),
    {"min_trust": 0.2},
    {"max_trust": 0.2},
    {"min_trust": 0.9985},
    {"min_trust": 0.3, "max_trust": 0.301},
    {"pattern_type": "type", "context_tags": ("rare",), "instrument_name": "instrument"},
    {"pattern_type": "type", "context_tags": ("tag",), "instrument_name": "instrument", "min_trust": 0.5},
]


@pytest.fixture(scope="module")
def url(database: Database) -> Generator[str]:
    """A store with many patterns."""
    url = database.new_store()
    fill(url, COUNT)
    yield url
    database.drop(url)


@pytest.fixture(scope="module")
def reading(url: str) -> Generator[Connection]:
    """A reader's connection."""
    engine = reader_engine(make_url(url))
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.fixture(scope="module", autouse=True)
def writing(url: str) -> Generator[None]:
    """A transaction that has written to every tenth pattern, and is not committed."""
    with closing(Writer(url)) as writer, writer.transaction(lambda: NOW) as transaction:
        transaction.connection.execute(text("UPDATE patterns SET priority_score = 0.5 WHERE trust_score < 0.1"))
        yield
        transaction.connection.rollback()


def work_of_reading_all(connection: Connection) -> int:
    """The work of finding the first patterns of the ranking without an index."""
    with counted_work(connection) as work:
        first = (patterns.c.priority_score + 0.0).desc()
        connection.execute(select(*PATTERN_COLUMNS).order_by(first).limit(20)).all()
        found = work()
    connection.rollback()
    return found


@pytest.mark.parametrize("filters", FILTERS, ids=str)
@pytest.mark.parametrize("page", ["first", "later"])
def test_the_first_twenty_take_little(reading: Connection, url: str, filters: dict[str, Any], page: str) -> None:
    """With any filter, on the first page and on later ones."""
    after = None
    if page == "later":
        with Store(url) as reader:
            (after,) = reader.patterns(min_priority=0.5)[-1:]
    everything = work_of_reading_all(reading)
    with counted_work(reading) as work:
        reading.execute(ranked(reading, Filters(**filters), limit=20, after=after)).all()
        found = work()
    reading.rollback()

    assert SHARE * everything > found


@pytest.mark.long
@pytest.mark.parametrize("filters", [{}, {"context_tags": ("tag",)}, {"instrument_name": "instrument"}], ids=str)
def test_pages_are_complete(url: str, filters: dict[str, Any]) -> None:
    """Each pattern is on one page, in the order of the whole (spec 8)."""
    with Store(url) as reader:
        expected = [each.id for each in reader.patterns(limit=COUNT, **filters)]
        found: list[str] = []
        after = None
        while page := reader.patterns(limit=1_700, after=after, **filters):
            found += [each.id for each in page]
            after = page[-1]

    assert expected == found
    assert len(expected) > COUNT / 4


def test_pages_part_patterns_that_share_a_priority(database: Database) -> None:
    """They are ordered by ``last_seen``, then id (spec 8)."""
    url = database.new_store()
    fill(url, 50)
    with closing(Writer(url)) as writer, writer.transaction(lambda: NOW) as transaction:
        transaction.connection.execute(text("UPDATE patterns SET priority_score = 0.5, last_seen = last_seen / 10"))
    with Store(url) as reader:
        everything = reader.patterns(limit=50, include_inactive=True)
        found = reader.patterns(limit=1, include_inactive=True)
        while page := reader.patterns(limit=1, include_inactive=True, after=found[-1]):
            found += page
    database.drop(url)

    assert sorted(everything, key=lambda each: (-each.last_seen.timestamp(), each.id)) == everything
    assert everything == found
    assert 50 == len(found)
