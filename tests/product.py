"""Ostinato as its users meet it: processes that share a home folder, a broker and a store."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple, Self

from sqlalchemy import Table, select

from ostinato.messages.models import Message
from ostinato.publishing.publisher import producer_app, publish
from store.database.engines import reader_engine, store_url
from store.errors import StoreOutdated
from store.reading.records import Stats
from store.reading.store import Store
from tests import forks
from tests.servers.brokers import Client, client
from tests.waiting import LONGEST, comes_true, ended, wait_until
from worker.broker.kinds import broker_client
from worker.processes.child import Child, ChildSpec
from worker.settings import Settings

# What a process gets beyond the minimal environment.
Env = Mapping[str, str] | None
# The command's three streams as files, so that a watchdog can stand behind it.
_STREAMS = 'exec "$@" <"$0.in" >"$0.out" 2>"$0.err"'


class Finished(NamedTuple):
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str

    def json(self) -> Any:  # noqa: ANN401 - whatever JSON has
        """What it printed."""
        return json.loads(self.out)

    def sentence(self, code: int, *, printed: bool = False) -> str:
        """The one sentence on standard error with which it ended; ``printed``: whether it printed anything as well."""
        assert (code, printed) == (self.code, bool(self.out)), self
        [line] = [each for each in self.err.splitlines() if each]
        assert line.endswith((".", "?"))
        return line


class Product:
    """Starts the product's processes from a folder that has nothing to do with it, with a minimal environment.

    None of them outlives the tests. ``broker_url`` None: the broker embedded in the home folder; ``store_url`` None:
    an SQLite file there. A context manager that closes this side's connections.
    """

    def __init__(
        self, home: Path, broker_url: str | None = None, store_url: str | None = None, *, prefix: str = ""
    ) -> None:
        self.home = home
        self.settings = Settings(home=home, broker_url=broker_url, broker_prefix=prefix, store_url=store_url)
        self.elsewhere, self.temporary, self.user = (home / name for name in ("elsewhere", "tmp", "user"))
        for folder in (self.elsewhere, self.temporary, self.user):
            folder.mkdir(exist_ok=True)
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.user),
            "TMPDIR": str(self.temporary),
            "OSTINATO_HOME": str(home),
            **({"OSTINATO_BROKER_URL": broker_url} if broker_url else {}),
            "OSTINATO_BROKER_PREFIX": prefix,
            **({"OSTINATO_STORE_URL": store_url} if store_url else {}),
            **{name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")},
        }
        self._runs = count()
        self._open = ExitStack()

    def start(self, name: str, *command: str, env: Env = None) -> Child:
        """Start a command; what it writes is `log(name)`."""
        return Child.start(
            ChildSpec(
                name, command, env=self.env | dict(env or {}), cwd=self.elsewhere, log=self._log(name), grace=LONGEST
            )
        )

    def worker(self, name: str = "worker", *, env: Env = None, app: str = "worker") -> Child:
        """Start a worker by Celery's own command, of this application."""
        return self.start(name, sys.executable, "-m", "celery", "-A", app, "worker", "-n", f"{name}@%h", env=env)

    def beat(self, name: str = "beat", *, env: Env = None, app: str = "worker") -> Child:
        """Start beat by Celery's own command, of this application."""
        return self.start(name, sys.executable, "-m", "celery", "-A", app, "beat", env=env)

    def up(self, *options: str, env: Env = None) -> Child:
        """Start `ostinato up`."""
        return self.start("up", sys.executable, "-m", "worker.cli", "up", *options, env=env)

    def run(self, *command: str, stdin: str = "", env: Env = None) -> Finished:
        """Run a command to its end."""
        streams = self._streams(stdin)
        with self.start("command", "sh", "-c", _STREAMS, str(streams), *command, env=env) as child:
            code = ended(child)
        return self._finished(code, streams)

    def ostinato(self, *words: str, stdin: str = "", env: Env = None) -> Finished:
        """Run `ostinato` with these words to its end, from the start of the interpreter."""
        return self.run(str(Path(sys.executable).with_name("ostinato")), *words, stdin=stdin, env=env)

    def cli(self, *words: str, stdin: str = "", env: Env = None) -> Finished:
        """The same in a fork of a process that has loaded it; variables that only its start reads have no effect."""
        streams = self._streams(stdin)
        code = forks.run(words, streams, self.env | dict(env or {}), self.elsewhere)
        return self._finished(code, streams)

    def flush(self) -> None:
        """Send what ended producers have left behind, and wait until those that run have sent theirs."""
        assert (0, "") == self.cli("outbox", "flush", "--timeout", f"{LONGEST:g}")[::2]

    def log(self, name: str) -> str:
        """What the command of that name has written so far."""
        return self._log(name).read_text(encoding="utf-8")

    def send(self, *messages: Message) -> None:
        """Send messages as a producer does."""
        app = producer_app(self.settings)
        for message in messages:
            publish(app, message)
        app.close()

    @cached_property
    def client(self) -> Client:
        """A connection to the broker."""
        return self._open.enter_context(closing(client(self.settings.broker_address)))

    def keys(self) -> list[str]:
        """Every key on the broker."""
        return sorted(map(bytes.decode, self.client.keys()))

    @cached_property
    def store(self) -> Store:
        """The store, for reading."""
        return self._open.enter_context(Store(self.settings.store_address))

    def stats(self) -> Stats | None:
        """The store in numbers; None while there is no store."""
        try:
            return self.store.stats()
        except StoreOutdated:
            return None

    def wait_for(self, **expected: int) -> Stats:
        """The store in numbers, once these of them are as expected; fails, with the last numbers, if they exceed it."""

        def reached() -> bool:
            stats = self.stats()
            found = {name: getattr(stats, name, 0) for name in expected}
            assert all(found[name] <= expected[name] for name in expected), f"{found} exceeds {expected}"
            return found == expected

        assert comes_true(reached), f"waited in vain: {expected} of {self.stats()}"
        return self.store.stats()

    def wait_for_workers(self, count: int) -> None:
        """Return once this many workers take messages."""
        with closing(broker_client(self.settings)) as broker:
            wait_until(lambda: broker.state().workers == count, why=f"{count} workers are present")

    def rows(self, table: Table) -> Sequence[dict[str, Any]]:
        """Every row of a table of the store."""
        engine = reader_engine(store_url(self.settings.store_address))
        try:
            with engine.connect() as connection:
                return [dict(row) for row in connection.execute(select(table)).mappings()]
        finally:
            engine.dispose()

    def _streams(self, stdin: str) -> Path:
        """Where a command has its streams: this path with a suffix for each."""
        streams = self.home / "runs" / str(next(self._runs))
        streams.parent.mkdir(exist_ok=True)
        streams.with_suffix(".in").write_text(stdin, encoding="utf-8")
        return streams

    @staticmethod
    def _finished(code: int, streams: Path) -> Finished:
        return Finished(code, *(streams.with_suffix(suffix).read_bytes().decode() for suffix in (".out", ".err")))

    def _log(self, name: str) -> Path:
        return self.home / "logs" / f"{name}.log"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()
