"""What the pages' names for a reader's own servers and folders are on this machine, made when first named."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from tests.conftest import missing
from tests.samples.predecessor import Predecessor
from tests.servers import brokers, postgresql, rabbit
from tests.servers.rabbit import RabbitServer

_WRAPPER = '#!/bin/sh\n{variables}exec {program} "$@"\n'


class StandIns:
    """Servers and files for a page; a context manager that stops them.

    ``folder``: for what they write; ``bin``: on the reader's PATH; ``desk``: where the reader types; ``data``: where
    the reader's Ostinato keeps what it has; ``makes_database``: whether the page makes the database itself.
    """

    def __init__(self, folder: Path, *, desk: Path, data: Path, makes_database: bool) -> None:
        self.folder, self.desk, self.data, self.makes_database = folder, desk, data, makes_database
        self.bin = folder / "bin"
        self.bin.mkdir()
        self._open = ExitStack()

    def here(self, text: str) -> str:
        """A text of a page as it has to be on this machine."""
        for said, found in _STAND_INS.items():
            if said in text:
                text = text.replace(said, found(self))
        return text

    def wrap(self, name: str, program: str, variables: Mapping[str, str]) -> None:
        """Put a program on the reader's PATH, with variables of its own."""
        file = self.bin / name
        lines = "".join(f"export {each}='{value}'\n" for each, value in variables.items())
        file.write_text(_WRAPPER.format(variables=lines, program=program), encoding="utf-8")
        file.chmod(0o755)

    @cached_property
    def redis(self) -> str:
        """The URL of a Redis server."""
        server = brokers.server("redis", _made(self.folder / "redis")) or missing("there is no redis-server")
        return str(self._open.enter_context(server).url)

    @cached_property
    def rabbit(self) -> str:
        """The URL of a RabbitMQ server whose administrator the reader is."""
        binary, control = rabbit.program(), rabbit.program("rabbitmqctl")
        if binary is None or control is None:
            missing(rabbit.MISSING)
        server = self._open.enter_context(RabbitServer(binary, _made(self.folder / "rabbit")))
        self.wrap("rabbitmqctl", control, {**server.env, "PATH": "/usr/lib/rabbitmq/bin:/usr/bin:/bin"})
        return server.url

    @cached_property
    def postgresql(self) -> str:
        """The URL of the database `ostinato` of a PostgreSQL server whose owner the reader is."""
        server = self._open.enter_context(postgresql.own_server() or missing(postgresql.MISSING))
        own = {"PGHOST": str(server.url.query["host"]), "PGUSER": str(server.url.username)}
        self.wrap("createdb", str(server.programs / "createdb"), own)
        if not self.makes_database:
            with postgresql.connect(server.url) as connection:
                connection.execute("CREATE DATABASE ostinato")
        return server.url.set(database="ostinato").render_as_string(hide_password=False)

    def predecessor(self) -> str:
        """A database of the predecessor beside the reader."""
        file = self.desk / "learning.db"
        if not file.exists():
            database = Predecessor(file)
            database.patterns({})
            database.applications({})
        return file.name

    def created(self) -> str:
        """The server has to be there before a database is made on it."""
        assert self.postgresql
        return "createdb"

    def administered(self) -> str:
        """So has RabbitMQ."""
        assert self.rabbit
        return "rabbitmqctl"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()


def _made(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder


# Longer ones before those that they contain.
_STAND_INS: Mapping[str, Callable[[StandIns], str]] = {
    "redis://USER:PASSWORD@HOST:6379/0": lambda ours: ours.redis,
    "redis://localhost:6379/0": lambda ours: f"redis+socket://{ours.data}/broker.sock",
    "amqp://USER:PASSWORD@HOST:5672/VHOST": lambda ours: ours.rabbit,
    "@HOST/fleet": lambda ours: f"@127.0.0.1:{urlsplit(ours.rabbit).port}/fleet",
    "postgresql+psycopg://USER:PASSWORD@HOST/ostinato": lambda ours: ours.postgresql,
    "/var/lib/ostinato": lambda ours: str(ours.data),
    "/srv/": lambda ours: f"{_made(ours.folder / 'srv')}/",
    "learning.db": StandIns.predecessor,
    "rabbitmqctl": StandIns.administered,
    "createdb": StandIns.created,
}
