"""Readers never wait for the writer, never block it, and change nothing (spec section 8)."""

from pathlib import Path

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import DBAPIError

from store.database.engines import reader_engine, store_url
from store.database.schema import REVISION
from store.database.tables import aliases, patterns
from store.errors import StoreOutdated
from store.reading.store import Store
from tests.integration.store.bench import Bench, sighting


def names(bench: Bench) -> list[str]:
    """What a reader sees."""
    return [each.pattern_name for each in bench.store.patterns()]


def test_readers_neither_wait_for_a_writer_nor_see_what_it_has_not_committed(bench: Bench) -> None:
    """They see the store as it was (spec 8)."""
    bench.apply(sighting("before"))
    with bench.transaction() as transaction:
        transaction.connection.execute(patterns.update().values(pattern_name="during"))
        assert ["before"] == names(bench)
        assert 1 == bench.store.stats().applied

    assert ["during"] == names(bench)


def test_readers_do_not_block_a_writer(bench: Bench) -> None:
    """A question that takes long sees one state throughout, while messages are applied (spec 8)."""
    engine = reader_engine(store_url(bench.url))
    with engine.connect() as connection:
        count = select(patterns.c.pattern_name)
        assert [] == connection.execute(count).all()
        bench.apply(sighting())
        assert [] == connection.execute(count).all()
    engine.dispose()

    assert ["n"] == names(bench)


def test_a_reader_cannot_write(bench: Bench) -> None:
    """Its connections refuse to (spec 8)."""
    engine = reader_engine(store_url(bench.url))
    with engine.connect() as connection, pytest.raises(DBAPIError):
        connection.execute(insert(aliases).values(alias="a", pattern_id="p"))
    engine.dispose()

    assert [] == bench.rows(aliases)


def test_a_store_that_is_not_there_says_what_to_do(tmp_path: Path) -> None:
    """And asking does not make one."""
    path = tmp_path / "none.db"
    with (
        Store(f"sqlite:///{path}") as store,
        pytest.raises(StoreOutdated, match=r"There is no store at .*ostinato migrate"),
    ):
        store.stats()

    assert not path.exists()


def test_a_store_of_another_version_says_what_to_do(bench: Bench) -> None:
    """Its schema and the one that is needed (spec 8)."""
    bench.sql("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(StoreOutdated, match=f"has schema 9999, this version needs {REVISION}: run `ostinato migrate`"):
        bench.store.patterns()
