"""A store and the model of it, given the same deliveries by a worker that can be killed."""

import json
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from hypothesis import settings
from sqlalchemy import Connection, select
from structlog.testing import capture_logs
from typing_extensions import override

from ostinato.messages.models import MESSAGES
from store.database.locks import Locks
from store.database.tables import inbox
from store.errors import StoreUnavailable
from store.reading import overview
from store.reading.reader import Reader
from store.reading.records import Stats
from store.writing.transaction import Clock, Transaction, Writer
from tasks.receiver import Receiver
from tests.integration.store import observing
from tests.integration.store.bench import NOW
from tests.integration.store.streams import Delivery, recalculation
from tests.model.said import RECALCULATION, Bad, Member
from tests.model.serial import SerialModel
from tests.servers.databases import Database
from worker.app import create_app
from worker.settings import Settings

EXACT = 1e-12
Bound = Callable[[int], settings]
"""Gives the settings of a search of this many examples."""
SEARCHED = pytest.mark.parametrize(
    "database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.long)], indirect=True
)
"""Marks a search: on SQLite in both forms of the tests, and on PostgreSQL in the long one."""


class Killed(BaseException):
    """The worker is no more: not an Exception, as nothing can be done about it."""


class Fault(Enum):
    """What may happen to the worker or its database, just before or just after a commit."""

    KILLED_BEFORE = "killed before the commit"
    KILLED_AFTER = "killed after the commit, before the broker knew"
    CUT_BEFORE = "the database went away before the commit"
    CUT_AFTER = "the database's answer to the commit was lost"

    @property
    def kills(self) -> bool:
        """Whether it ends the worker."""
        return self in {Fault.KILLED_BEFORE, Fault.KILLED_AFTER}

    @property
    def effects(self) -> int:
        """How often the transaction of one delivery is committed: the worker tries again when the database is away."""
        return {Fault.KILLED_BEFORE: 0, Fault.KILLED_AFTER: 1, Fault.CUT_BEFORE: 1, Fault.CUT_AFTER: 2}[self]


class FaultyWriter(Writer):
    """The product's writer, with one fault, if it is told of one, in its next transaction."""

    fault: Fault | None = None

    @contextmanager
    @override
    def transaction(self, clock: Clock, locks: Locks | None = None) -> Generator[Transaction]:
        with super().transaction(clock, locks) as transaction:
            yield transaction
            self._meet({Fault.KILLED_BEFORE, Fault.CUT_BEFORE})
        self._meet({Fault.KILLED_AFTER, Fault.CUT_AFTER})

    def _meet(self, here: set[Fault]) -> None:
        met = self.fault
        if met is not None and met in here:
            self.fault = None
            raise Killed if met.kills else StoreUnavailable("a fault of the test")


class Result(NamedTuple):
    """What a store holds, and both scores of every pattern in it."""

    tables: dict[str, Any]
    scores: dict[tuple[str, str], float]


@dataclass
class Trial:
    """A store, the model of it, and what both are given."""

    writer: FaultyWriter
    reader: Reader
    model: SerialModel = field(default_factory=SerialModel)

    def give(self, deliveries: Sequence[Delivery]) -> None:
        """Hand everything to the store and to the model."""
        for number, delivery in enumerate(deliveries):
            self.expect(delivery, str(number))
            self.work(delivery, str(number))

    def expect(self, delivery: Delivery, name: str) -> None:
        """Hand a delivery to the model; the name tells two sendings of one message apart."""
        self.model.deliver(delivery.members, now=delivery.clock, delivery=name)

    def work(self, delivery: Delivery, name: str) -> None:
        """Hand a delivery to the store, as the worker's tasks do; Killed if the fault says so."""
        receiver = Receiver(self.writer, lambda: delivery.clock, lambda _: True)
        kind, text = on_the_wire(delivery)
        if kind != RECALCULATION:
            receiver.receive(kind, text, name)
            return
        while not receiver.receive_recalculation(text, name):
            pass

    def result(self, clock: int = NOW) -> Result:
        """What the store holds once every score is computed at this clock."""
        self.work(recalculation(clock), "recalculation")
        with self._connection() as connection:
            return Result(observing.tables(connection), observing.scores(connection))

    def tables(self) -> dict[str, Any]:
        """What the store holds."""
        with self._connection() as connection:
            return observing.tables(connection)

    def contents(self) -> dict[str, str]:
        """Every message that the inbox has, by its id, as it keeps it."""
        with self._connection() as connection:
            rows = connection.execute(select(inbox.c.message_id, inbox.c.content))
            return {row.message_id: row.content for row in rows}

    def check(self) -> None:
        """The store holds what the model says."""
        with self._connection() as connection:
            tables, scores = observing.tables(connection), observing.scores(connection)
        assert self.model.tables() == tables
        assert pytest.approx(self.model.scores(), rel=0, abs=EXACT) == scores
        found = self.stats()
        assert self.model.ledger() == {name: getattr(found, name) for name in self.model.ledger()}
        assert found.balanced

    def stats(self) -> Stats:
        """The store in numbers."""
        with self.reader.reading() as connection:
            return overview.stats(connection)

    @contextmanager
    def _connection(self) -> Generator[Connection]:
        with self.writer.transaction(lambda: NOW) as transaction:
            yield transaction.connection


class Laboratory:
    """One store of a kind of database, used again and again."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.kind = database.kind
        self.url = database.new_store()
        self.writer = FaultyWriter(self.url)
        self._reader = Reader(self.url)

    @contextmanager
    def trial(self) -> Generator[Trial]:
        """A trial with the store, which is empty at its beginning."""
        self.writer.fault = None
        self._database.empty(self.url)
        with capture_logs():
            yield Trial(self.writer, self._reader)

    def close(self) -> None:
        """Delete the store."""
        self.writer.close()
        self._reader.close()
        self._database.drop(self.url)


def on_the_wire(delivery: Delivery) -> tuple[str, str]:
    """The kind of a delivery's task, and its one argument."""
    texts = [each.text if isinstance(each, Bad) else json.dumps(each) for each in delivery.members]
    if not delivery.batch:
        (member,) = delivery.members
        return _kind(member), texts[0]
    head = json.dumps({"kind": "apply_batch", "id": str(uuid4()), "occurred_at": "2026-06-01T12:00:00Z"})
    return "apply_batch", f'{head[:-1]}, "messages": [{", ".join(texts)}]}}'


def _kind(member: Member) -> str:
    return "record_pattern" if isinstance(member, Bad) else str(member["kind"])


def acknowledges_late() -> bool:
    """Whether the product tells the broker "done" once a task has ended, and not before."""
    app = create_app(Settings(home=Path("/nonexistent"), broker_url="redis://127.0.0.1:1"))
    return all(app.tasks[kind].acks_late for kind in MESSAGES)
