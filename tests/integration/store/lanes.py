"""Several lanes at one store, at the same time: writers that stop before they commit, and threads that race."""

from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from threading import Barrier, Event

import pytest
from sqlalchemy import Connection, NullPool, create_engine, select, text
from typing_extensions import override

from store.database.engines import store_url
from store.database.locks import Locks
from store.database.tables import inbox
from store.events import Item
from store.writing import effects
from store.writing.applying import apply_in_turn
from store.writing.transaction import Clock, Transaction, Writer
from store.writing.unit_of_work import PatternRows
from tasks.receiver import Receiver
from tests.integration.store.bench import NOW
from tests.integration.store.streams import Delivery
from tests.integration.store.trials import on_the_wire
from tests.waiting import wait_until

LANES = 4
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


class StoppingWriter(Writer):
    """The product's writer, which stops before each commit until it is told to go on."""

    def __init__(self, url: str, lane: int | None) -> None:
        super().__init__(url, lane)
        self.before_commit, self.go_on = Event(), Event()

    @contextmanager
    @override
    def transaction(self, clock: Clock, locks: Locks | None = None) -> Generator[Transaction]:
        with super().transaction(clock, locks) as transaction:
            yield transaction
            self.before_commit.set()
            wait_until(self.go_on.is_set, why="the test lets the transaction be committed")


def waits_for(url: str, first: Sequence[Item], second: Sequence[Item]) -> bool:
    """Apply ``second`` in another lane while ``first`` is not committed yet: whether it waits. Then commit both."""
    one, other = StoppingWriter(url, 0), Writer(url, 1)
    with closing(one), closing(other), ThreadPoolExecutor(2) as pool:
        # Which is alone in the store for a moment.
        other.open()
        try:
            begun = pool.submit(applied_in_lane, one, first)
            wait_until(one.before_commit.is_set, why="the first is about to be committed")
            beside = pool.submit(applied_in_lane, other, second)
            wait_until(lambda: beside.done() or waiting(url), why="the second is done, or waits")
            waited = not beside.done()
        finally:
            one.go_on.set()
        for future in (begun, beside):
            future.result()
    return waited


def applied_in_lane(writer: Writer, items: Sequence[Item]) -> None:
    """Apply these in the writer's lane."""
    apply_in_turn(writer, lambda: NOW, [effects.Delivery("apply_batch", "delivery", items)])


def waiting(url: str) -> int:
    """How many wait for a lock in the database."""
    with create_engine(store_url(url), poolclass=NullPool).connect() as connection:
        return int(connection.execute(text(WAITING)).scalar_one())


@dataclass
class Race:
    """Lanes of one store, each with a thread and a connection, kept for many streams."""

    url: str
    writers: list[Writer] = field(default_factory=list[Writer])

    def run(self, queues: Sequence[Sequence[Delivery]]) -> None:
        """Hand each lane its deliveries, all lanes at once, and all of a kind of turn at the same moment."""
        turns = max(map(len, queues))
        barrier = Barrier(len(queues))
        with ThreadPoolExecutor(len(queues)) as pool:
            futures: list[Future[None]] = [
                pool.submit(self._work, writer, lane, queue, turns, barrier)
                for lane, (writer, queue) in enumerate(zip(self.writers, queues, strict=True))
            ]
        for future in futures:
            future.result()

    def _work(self, writer: Writer, lane: int, queue: Sequence[Delivery], turns: int, barrier: Barrier) -> None:
        for turn in range(turns):
            barrier.wait()
            if turn < len(queue):
                delivery = queue[turn]
                receiver = Receiver(writer, lambda clock=delivery.clock: clock, lambda _: True)
                receiver.receive(*on_the_wire(delivery), f"{lane}-{turn}")


@contextmanager
def racing(url: str, lanes: int = LANES) -> Generator[Race]:
    """This many lanes."""
    with ExitStack() as stack:
        yield Race(url, [stack.enter_context(closing(Writer(url, lane))) for lane in range(lanes)])


def in_order(connection: Connection) -> list[tuple[str, int]]:
    """Every message of the inbox, in its order, and when it was applied."""
    rows = connection.execute(select(inbox.c.content, inbox.c.applied_at).order_by(inbox.c.seq))
    return [(row.content, row.applied_at) for row in rows]


class _NoLocks:
    @staticmethod
    def of_patterns(_: Iterable[str]) -> Locks:
        return Locks()


def no_locks_of_contents(patch: pytest.MonkeyPatch) -> None:
    """No lane locks what decides which pattern has a content."""
    patch.setattr("store.database.locks.Locks.of_contents", _NoLocks.of_patterns)


def no_locks_of_what_is_found(patch: pytest.MonkeyPatch) -> None:
    """Only the ids that messages name are held, not what those mean."""
    patch.setattr("store.writing.unit_of_work.PatternRows._rows_held", vars(PatternRows)["_rows"])


def no_locks_of_what_is_named(patch: pytest.MonkeyPatch) -> None:
    """The ids that messages name are not held, only what those mean."""
    patch.setattr("store.writing.applying.Locks", _NoLocks)
