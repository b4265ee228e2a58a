"""Two lanes in a deadlock of the database: it ends one transaction, which then runs alone in the store."""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress

import pytest
from sqlalchemy import NullPool, create_engine

from ostinato.identity import slot_of
from store.database.engines import store_url
from store.database.tables import inbox
from store.writing.transaction import Writer
from tests.integration.store.bench import NOW, Bench, sighting
from tests.integration.store.lanes import applied_in_lane, waiting
from tests.waiting import wait_until


class Undone(Exception):
    """Raised to roll a transaction back."""


@contextmanager
def written_elsewhere(url: str, message_id: str) -> Generator[None]:
    """Within the block the inbox has a row of this id that is never committed."""
    row = {"kind": "record_pattern", "occurred_at": NOW, "applied_at": NOW, "content_sha256": "0" * 64, "content": ""}
    engine = create_engine(store_url(url), poolclass=NullPool)
    with suppress(Undone), engine.begin() as connection:
        connection.execute(inbox.insert().values(message_id=message_id, **row))
        yield
        raise Undone


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_the_same_ids_in_another_order_are_applied_once(bench: Bench) -> None:
    """Each lane has written the id that the other waits for; both end, whichever one has to start over."""
    names = ("one", "three", "five", "seven", "nine")
    one, held, last, *_ = first = [sighting(name) for name in names[:3]]
    second = [sighting(names[3], id=last.id), sighting(names[4], id=one.id)]
    # No lock of ours keeps them apart.
    assert len(names) == len({slot_of(each.pattern_id) for each in (*first, *second)})

    lanes = Writer(bench.url, 0), Writer(bench.url, 1)
    with closing(lanes[0]), closing(lanes[1]), ThreadPoolExecutor(2) as pool:
        lanes[1].open()
        with written_elsewhere(bench.url, held.id):
            begun = [pool.submit(applied_in_lane, lanes[0], first)]
            wait_until(lambda: waiting(bench.url) == 1, why="the first lane waits behind its first id")
            begun.append(pool.submit(applied_in_lane, lanes[1], second))
            wait_until(lambda: waiting(bench.url) == 2, why="the second lane waits for the first")
        for future in begun:
            future.result()

    assert (3, 0, 2, 0) == bench.ledger()
