"""A whole Ostinato that faults are injected into: broker, store and workers, with messages on their way.

A test begins, faults, heals, judges and hands in its result::

    with rig.load():
        for _ in rig.injecting(10, hits=8):
            with rig.worker() as worker:
                rig.wait_for_applied(50)
                rig.kill(worker)
                rig.hits += met_its_moment(worker)
    with rig.worker():
        verdict = rig.judge()
    record(rig.result("kill -9 of the worker"))
    assert {} == verdict.defects

While the load is on, messages arrive and are noted in the ledger; `Rig.fault` notes when a fault happens.
"""

import os
import signal
import sys
import time
from bisect import bisect_right
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Self

from redis.exceptions import RedisError

from ostinato.messages.models import Message, RecordPattern
from ostinato.settings.outbox import OutboxSettings
from store.database.schema import migrate
from tests.faults import flight
from tests.faults.ledger import Ledger, Outcome
from tests.faults.load import Load, Sender, Stream, publishing, send_noted
from tests.faults.log_tails import log_tails
from tests.faults.oracle import Verdict, judge
from tests.faults.results import Result
from tests.faults.rows import Row, read_rows, selecting
from tests.product import Env, Product
from tests.servers.brokers import EmbeddedValkey
from tests.waiting import comes_true, ended, wait_until
from worker.processes.child import Child
from worker.settings import Fsync

# How many times as many faults as planned are injected until enough of them have hit.
_AT_MOST = 10
Sending = Callable[[OutboxSettings], AbstractContextManager[Sender]]
"""Gives a sender to the broker of some settings, for as long as a block runs."""


class Rig:
    """The embedded broker, and a product at it whose every message is in the ledger. A context manager.

    ``seed``: what everything random comes from. ``sending``: how messages get to the broker. ``fsync``: when the broker
    syncs its file.
    ``broker_url`` None: the embedded one. ``store_url`` None: an SQLite file. Workers are started by `worker`, and
    stopped by its caller.
    """

    def __init__(  # noqa: PLR0913 - what a rig is made of
        self,
        home: Path,
        seed: str,
        *,
        sending: Sending = publishing,
        fsync: Fsync = "everysec",
        broker_url: str | None = None,
        store_url: str | None = None,
    ) -> None:
        self.seed = seed
        self.random = Random(seed)  # noqa: S311 - to be repeated, not to be secret
        self.ledger = Ledger()
        self.product = Product(home, broker_url, store_url)
        self.broker = EmbeddedValkey(home, fsync=fsync)
        self.verdict: Verdict | None = None
        self._sending = sending
        self._open = ExitStack()
        self.faults: list[float] = []
        self.hits = 0
        self._streams = 0
        self.send: Sender

    @property
    def store(self) -> str:
        """The URL of the store."""
        return self.product.settings.store_address

    def worker(self, name: str = "worker", *, env: Env = None, app: str = "worker") -> Child:
        """Start a worker; ``app`` may be an application of the tests'."""
        return self.product.worker(name, env=env, app=app)

    def fault(self) -> None:
        """Note that a fault happens now: the time to the next message that is applied is its recovery."""
        self.faults.append(time.time())

    def injecting(self, planned: int, hits: int) -> Iterator[int]:
        """Number the faults to inject, from 0: as many as planned, and on until `hits` has reached ``hits``."""
        for number in range(_AT_MOST * planned):
            if number >= planned and self.hits >= hits:
                return
            yield number
        assert self.hits >= hits, f"{_AT_MOST * planned} faults hit {self.hits} times"

    def kill(self, worker: Child) -> None:
        """End a worker with kill -9, its whole process group; returns once it is gone."""
        self.fault()
        os.killpg(worker.pid, signal.SIGKILL)
        assert 128 + signal.SIGKILL == ended(worker)

    def stream(self) -> Stream:
        """Messages, others at every call, the same for the same seed."""
        self._streams += 1
        return Stream(f"{self.seed} {self._streams}")

    @contextmanager
    def load(self, threads: int = 2, *, backlog: int = 100) -> Generator[Load]:
        """Messages arrive, and a backlog of them waits, until the block ends."""
        load = Load(self.send, self.ledger, self.waiting, backlog)
        load.start([self.stream() for _ in range(threads)])
        try:
            yield load
        finally:
            load.stop()

    def send_all(self, *messages: Message) -> None:
        """Send messages, each as often as it takes to know that it was accepted."""
        for message in messages:
            wait_until(
                lambda each=message: send_noted(self.send, self.ledger, each) is Outcome.OK,
                why="the broker takes a message",
            )

    def waiting(self) -> int:
        """How many messages no worker has taken; zero while the broker is away."""
        with suppress(RedisError):
            return flight.queued(self.product.client)
        return 0

    def waits(self, name: str = "worker") -> int:
        """How often a worker has said that it waits for the store."""
        return self.product.log(name).count('"store_unavailable"')

    def in_flight(self) -> int:
        """How many messages the broker has, taken or not."""
        return flight.in_flight(self.product.client)

    def unexpected_keys(self) -> list[str]:
        """What the broker has and should not have once nothing is in flight."""
        return flight.unexpected_keys(self.product.client)

    def select(self, statement: str) -> list[Row]:
        """What the store answers, past the product."""
        with selecting(self.store) as select:
            return select(statement)

    def applied(self) -> int:
        """How many messages are in the inbox."""
        return sum(row["seq"] or 0 for row in self.select("SELECT max(seq) AS seq FROM inbox"))

    def stored(self, ids: Iterable[str]) -> set[str]:
        """Which of these messages are in the inbox."""
        return set(ids) & {row["message_id"] for row in self.select("SELECT message_id FROM inbox")}

    def wait_for_applied(self, more: int) -> None:
        """Return once this many more messages are applied than at the call."""
        before = self.applied()
        wait_until(lambda: self.applied() >= before + more, why=f"{more} messages are applied")

    def settle(self) -> bool:
        """Whether nothing is in flight any more; returns as soon as that is so, or no process does anything."""
        return comes_true(lambda: self.in_flight() == 0)

    def judge(self) -> Verdict:
        """Wait until nothing is in flight, send a probe, and judge. The load is over, and at least one worker runs.

        Beside what `judge` of `oracle` finds, a defect is "stuck" if something stays in flight, "deaf" if the probe is
        not applied, and "keys" if the broker has some that should not be there.
        """
        healed = self.settle()
        probe = RecordPattern(pattern_type="probe", pattern_name=f"probe of {self.seed}")
        self.send_all(probe)
        heard = comes_true(lambda: self.stored([str(probe.id)]))
        self.settle()
        rows = read_rows(self.store)
        verdict = judge(rows, self.ledger)
        verdict.add("stuck", *["messages stay in flight"] * (not healed))
        verdict.add("deaf", *["the probe was not applied"] * (not heard))
        verdict.add("keys", *self.unexpected_keys())
        self._moments = sorted(row["applied_at"] / 1e6 for row in rows.inbox)
        self.verdict = verdict
        return verdict

    def result(self, fault: str, hits: int | None = None, injected: int | None = None) -> Result:
        """The verdict as a row of the table; None: `hits`, and as many as `fault` noted."""
        verdict = self.verdict or self.judge()
        return Result(
            fault,
            len(self.faults) if injected is None else injected,
            self.hits if hits is None else hits,
            verdict.messages,
            len(verdict.lost),
            verdict.twice,
            verdict.quarantined,
            self.seed,
            [round(after - fault, 3) for fault in self.faults if (after := self._next_after(fault))],
        )

    def _next_after(self, moment: float) -> float | None:
        at = bisect_right(self._moments, moment)
        return self._moments[at] if at < len(self._moments) else None

    def _start_broker(self) -> None:
        self._open.enter_context(self.broker)

    def __enter__(self) -> Self:
        migrate(self.store)
        self._start_broker()
        self._open.enter_context(self.product)
        self.send = self._open.enter_context(self._sending(self.product.settings))
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        if error is not None:
            # Shown with a test that fails: what happened once under load may be hard to see again.
            sys.stdout.write(log_tails(self._log_folders()))
        self._open.close()

    def _log_folders(self) -> list[Path]:
        return [self.product.home]
