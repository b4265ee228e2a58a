"""The one transaction: all of a message's effect and its inbox row, or nothing (spec section 5)."""

import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from sqlalchemy.exc import DBAPIError

from ostinato.errors import TransientError
from ostinato.identity import pattern_id
from ostinato.messages.models import RecordPattern
from store.database.tables import metadata
from store.events import Sighting
from store.writing.applying import apply
from store.writing.transaction import Writer
from tasks.receiver import Receiver
from tests.integration.store.bench import NOW, Bench, Crash, application, sighting, soft_delete
from tests.waiting import LONGEST

N = pattern_id("T", "n")


def test_an_exception_rolls_everything_back(bench: Bench) -> None:
    """Rows, inbox and counters; nothing is logged (spec 5)."""
    bench.apply(application(pattern_id("T", "another")))
    before = {table.name: bench.rows(table) for table in metadata.sorted_tables}
    bench.logs.clear()
    events = (sighting("another"), sighting("n"), sighting("N!"), application(N), application("x"), soft_delete(N))
    with pytest.raises(Crash):
        bench.crash_after(*events, *events)

    assert before == {table.name: bench.rows(table) for table in metadata.sorted_tables}
    assert [] == bench.logs

    bench.apply(*events)
    assert (6, 1, 0, 0) == bench.ledger()


def test_a_commit_that_fails_is_not_in_the_log(bench: Bench) -> None:
    """Facts are logged after the commit (spec 5)."""
    with pytest.raises((DBAPIError, TransientError)):
        lose_the_connection(bench)

    assert [] == bench.logs
    bench.writer.close()
    assert (0, 0, 0, 0) == bench.ledger()


def lose_the_connection(bench: Bench) -> None:
    """A transaction whose connection is gone before its commit."""
    with bench.transaction() as transaction:
        apply(transaction, [sighting()], task="record_pattern", delivery="d")
        driver = transaction.connection.connection.dbapi_connection
        assert driver is not None
        driver.close()


def test_the_clock_is_read_once(bench: Bench) -> None:
    """When the transaction has begun (spec 6: the clock is an argument everywhere)."""
    readings = iter([NOW, NOW + 1])
    with bench.writer.transaction(lambda: next(readings)) as transaction:
        apply(transaction, [sighting(), application(N), application("x")], task="apply_batch", delivery="d")

    assert NOW == transaction.now
    assert NOW + 1 == next(readings)


def test_writers_take_turns(bench: Bench) -> None:
    """A second worker, started by mistake, changes only the speed (spec 7, serial)."""
    messages = [RecordPattern(pattern_type="T", pattern_name="n") for _ in range(60)]

    def work(share: slice) -> None:
        with closing(Writer(bench.url)) as writer:
            receiver = Receiver(writer, lambda: NOW, lambda _: True)
            for message in messages[share]:
                receiver.receive(message.KIND, message.content(), "d")

    with ThreadPoolExecutor(4) as pool:
        # Each message is sent to two of them.
        list(pool.map(work, [slice(0, None, 2), slice(1, None, 2), slice(0, 30), slice(30, None)]))

    assert 60 == bench.store.pattern(N).occurrence_count
    assert (60, 0, 0, 60) == bench.ledger()


def test_one_writer_serves_many_threads(bench: Bench) -> None:
    """They wait for its one connection (spec 7, serial)."""

    def work(event: Sighting) -> None:
        with bench.writer.transaction(lambda: NOW) as transaction:
            apply(transaction, [event], task="record_pattern", delivery="d")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, [sighting() for _ in range(20)]))

    assert 20 == bench.store.pattern(N).occurrence_count


def test_a_closed_writer_opens_again(bench: Bench) -> None:
    """With the next transaction."""
    bench.apply(sighting())
    bench.writer.close()
    bench.writer.close()
    bench.apply(sighting())

    assert 2 == bench.store.pattern(N).occurrence_count


def test_a_writer_survives_a_fork(bench: Bench) -> None:
    """The child opens a connection of its own, and the parent keeps its one."""
    before, inside, after = sighting(), sighting(), sighting()
    bench.apply(before)
    child = multiprocessing.get_context("fork").Process(target=bench.apply, args=(inside,))
    child.start()
    child.join(LONGEST)
    bench.apply(after)

    assert 0 == child.exitcode
    assert 3 == bench.store.pattern(N).occurrence_count
