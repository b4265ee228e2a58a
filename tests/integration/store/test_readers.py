"""Readers never wait for the writer, never block it, and change nothing (spec section 8)."""

from pathlib import Path

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import DBAPIError

from ostinato.identity import pattern_id
from store.database.schema import REVISION
from store.database.tables import aliases, patterns
from store.errors import StoreOutdated
from store.reading.overview import outcomes, stats, waiting
from store.reading.ranking import Filters, ranking
from store.reading.reader import Reader
from store.reading.store import Store
from tests.integration.store.bench import NOW, Bench, application, ids, sighting


def names(bench: Bench) -> list[str]:
    """What a reader sees."""
    return [each.pattern_name for each in bench.store.patterns()]


def test_readers_neither_wait_for_a_writer_nor_see_what_it_has_not_committed(bench: Bench) -> None:
    """They see the state before the transaction (spec 8)."""
    bench.apply(sighting("before"))
    with bench.transaction() as transaction:
        transaction.connection.execute(patterns.update().values(pattern_name="during"))
        assert ["before"] == names(bench)
        assert 1 == bench.store.stats().applied

    assert ["during"] == names(bench)


def test_questions_of_one_reading_see_one_state(bench: Bench) -> None:
    """Readers do not block a writer: what it commits meanwhile is seen by the next reading (spec 8)."""
    bench.apply(sighting("n"))
    key = pattern_id("T", "n")
    with Reader(bench.url) as reader:
        with reader.reading() as connection:
            before = stats(connection)
            bench.apply(sighting("other"), application(key), application("unknown"))
            assert before == stats(connection)
            assert [key] == ids(ranking(connection, Filters(), limit=20))
            assert ([], []) == (outcomes(connection, upto=NOW), waiting(connection))
        reader.close()
        with reader.reading() as connection:
            assert (2, 1) == (len(ranking(connection, Filters(), limit=20)), len(waiting(connection)))


def test_a_reader_cannot_write(bench: Bench) -> None:
    """Its connections refuse to (spec 8)."""
    with bench.reading() as connection, pytest.raises(DBAPIError):
        connection.execute(insert(aliases).values(alias="a", pattern_id="p"))

    assert [] == bench.rows(aliases)


def test_a_missing_store_says_what_to_do(tmp_path: Path) -> None:
    """Asking does not create one."""
    path = tmp_path / "none.db"
    with (
        Store(f"sqlite:///{path}") as store,
        pytest.raises(StoreOutdated, match=r"There is no store at .*ostinato migrate"),
    ):
        store.stats()

    assert not path.exists()


def test_a_store_of_another_version_says_what_to_do(bench: Bench) -> None:
    """The sentence names its schema and the one that is needed (spec 8)."""
    bench.sql("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(StoreOutdated, match=f"has schema 9999, this version needs {REVISION}: run `ostinato migrate`"):
        bench.store.patterns()
