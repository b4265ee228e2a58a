"""A store on PostgreSQL: turns, lost connections, time limits, and what its server refuses."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing

import pytest
from sqlalchemy import make_url, select, text, update

import store.database.postgresql
from ostinato.messages.models import RecordPattern
from store.database.engines import writer_engine
from store.database.tables import counters
from store.errors import StoreUnavailable
from store.reading.store import Store
from store.writing.transaction import Writer
from tasks.receiver import Receiver
from tests.integration.store.bench import NOW, Bench, sighting
from tests.servers import postgresql
from tests.servers.databases import Database
from tests.servers.proxy import COMMIT, Fault, behind, to_postgresql

pytestmark = pytest.mark.parametrize("database", ["postgresql"], indirect=True)
SIGHTING = RecordPattern(pattern_type="T", pattern_name="n")


def set_default(bench: Bench, name: str, value: str) -> None:
    """Set a default of the database, as its administrator may; it holds for new connections."""
    url = make_url(bench.url)
    with closing(postgresql.connect(url)) as connection:
        connection.execute(f'ALTER DATABASE "{url.database}" SET {name} = {value}'.encode())


def receive(writer: Writer, *messages: RecordPattern, pauses: list[float] | None = None) -> None:
    """Receive messages; each pause is recorded, and takes no time."""

    def pause(seconds: float) -> bool:
        if pauses is not None:
            pauses.append(seconds)
        return True

    receiver = Receiver(writer, lambda: NOW, pause)
    for message in messages:
        receiver.receive(message.KIND, message.content(), "d")


@pytest.mark.parametrize("isolation", ["read committed", "repeatable read", "serializable"])
def test_no_update_is_lost(bench: Bench, isolation: str) -> None:
    """Writers that read before they write take turns, whatever the database's default is (spec 7, serial)."""
    set_default(bench, "default_transaction_isolation", f"'{isolation}'")
    merges = counters.c.name == "merges"
    value = select(counters.c.value).where(merges)

    def count(_: int) -> None:
        with closing(Writer(bench.url)) as writer:
            for _ in range(100):
                with writer.transaction(lambda: NOW) as transaction:
                    known = transaction.connection.execute(value).scalar_one()
                    transaction.connection.execute(
                        update(counters).where(counters.c.name == "merges").values(value=known + 1)
                    )

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count, range(4)))

    assert 400 == bench.store.stats().merges


def test_a_commit_whose_answer_is_lost_is_not_repeated(bench: Bench) -> None:
    """Whether it succeeded is not known, so the message runs again, and the inbox knows (spec 7, exactly once)."""
    pauses: list[float] = []
    url = make_url(bench.url)
    with to_postgresql(url) as proxy, closing(Writer(behind(proxy, url))) as writer:
        writer.open()
        for _ in range(20):
            proxy.inject(Fault.LOST_REPLY, COMMIT)
            receive(writer, RecordPattern(pattern_type="T", pattern_name="n"), pauses=pauses)

    assert [20, 20] == [proxy.hits[Fault.LOST_REPLY], len(pauses)]
    assert (20, 0, 0, 20) == bench.ledger()
    assert 20 == bench.store.patterns()[0].occurrence_count


def test_a_connection_that_the_server_ends_is_trouble(bench: Bench) -> None:
    """Its transaction is rolled back, and the same message is applied over the next one (spec 7, exactly once)."""

    def end_it() -> None:
        with bench.transaction() as transaction:
            backend = transaction.connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
            transaction.counts["merges"] += 1
            with closing(postgresql.connect(make_url(bench.url))) as other:
                other.execute("SELECT pg_terminate_backend(%s, 5000)", [backend])

    with pytest.raises(StoreUnavailable, match="terminating connection"):
        end_it()
    receive(bench.writer, SIGHTING)
    assert (1, 0, 0, 0) == bench.ledger()


@pytest.mark.parametrize("limit", ["statement_timeout", "lock_timeout"])
def test_a_limit_on_waiting_only_makes_the_message_wait_longer(bench: Bench, limit: str) -> None:
    """A server may end a statement that waits too long; the message is tried again (spec 7, exactly once)."""
    set_default(bench, limit, "'50ms'")
    with closing(Writer(bench.url)) as waiting:
        waiting.open()
        with ExitStack() as turn:
            turn.enter_context(bench.transaction())
            receiver = Receiver(waiting, lambda: NOW, lambda _: turn.close() is None)
            receiver.receive(SIGHTING.KIND, SIGHTING.content(), "d")

    assert (1, 0, 0, 0) == bench.ledger()


def test_a_writer_that_stands_still_loses_its_turn(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next writer goes on; the first transaction has no effect until it runs again (spec 7, serial)."""
    monkeypatch.setattr(store.database.postgresql, "IDLE_SECONDS", 0.1)
    set_default(bench, "lock_timeout", "'5s'")

    def stand_still(writer: Writer) -> None:
        with writer.transaction(lambda: NOW) as begun:
            begun.counts["merges"] += 1
            bench.apply(sighting())

    with closing(Writer(bench.url)) as writer, pytest.raises(StoreUnavailable):
        stand_still(writer)
    assert (1, 0, 0, 0) == bench.ledger()
    assert 0 == bench.store.stats().merges


@pytest.mark.parametrize(("default", "used"), [("off", "on"), ("local", "local"), ("on", "on")])
def test_every_commit_is_on_the_disk(bench: Bench, default: str, used: str) -> None:
    """Even if the server's default is not to wait for its disk (spec 7, exactly once)."""
    set_default(bench, "synchronous_commit", default)
    engine = writer_engine(make_url(bench.url))
    with engine.begin() as connection:
        assert used == connection.execute(text("SHOW synchronous_commit")).scalar()
    engine.dispose()


@pytest.mark.parametrize(
    ("broken", "mended"),
    [
        ("ALTER TABLE inbox RENAME TO elsewhere", "ALTER TABLE elsewhere RENAME TO inbox"),
        ("ALTER TABLE inbox RENAME content TO elsewhere", "ALTER TABLE inbox RENAME elsewhere TO content"),
        ("ALTER SCHEMA public RENAME TO elsewhere", "ALTER SCHEMA elsewhere RENAME TO public"),
    ],
)
def test_what_people_broke_they_can_mend(bench: Bench, broken: str, mended: str) -> None:
    """Messages wait: the damage is not taken for a defect of a message (spec 7, exactly once)."""
    bench.writer.open()
    bench.sql(broken)
    receiver = Receiver(bench.writer, lambda: NOW, lambda _: bench.sql(mended) is None)
    receiver.receive(SIGHTING.KIND, SIGHTING.content(), "d")

    assert (1, 0, 0, 0) == bench.ledger()


def test_a_database_that_takes_no_writes_is_trouble(bench: Bench) -> None:
    """Like a replica, which can still be read (spec 8)."""
    set_default(bench, "default_transaction_read_only", "on")

    def write(writer: Writer) -> None:
        with writer.transaction(lambda: NOW) as transaction:
            transaction.counts["merges"] += 1

    with closing(Writer(bench.url)) as writer, pytest.raises(StoreUnavailable, match="read-only"):
        write(writer)

    assert (0, 0, 0, 0) == bench.ledger()


def test_stores_of_one_server_do_not_wait_for_each_other(bench: Bench, database: Database) -> None:
    """A lock belongs to a database, not to the server."""
    with bench.transaction(), closing(Writer(other := database.new_store())) as writer:
        receive(writer, SIGHTING)

    with Store(other) as reader:
        assert 1 == reader.stats().applied
    database.drop(other)
