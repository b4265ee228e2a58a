"""Child processes that end when this process ends, also by kill -9."""

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import BinaryIO, Self

_WATCHDOG = Path(__file__).with_name("watchdog.py")
_WATCHDOG_SECONDS = 2.0
_LOG_BYTES = 5_000_000


class ChildError(Exception):
    """A child process did not do what was asked.

    ChildError
    ├── ChildNotStarted     the command does not run; nothing is left behind
    └── ChildStillRunning   it has not ended in the time given; it still runs
    """


class ChildNotStarted(ChildError):
    """The command could not be started; nothing of it is left."""


class ChildStillRunning(ChildError, TimeoutError):
    """The child did not end in the time given; it still runs."""


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """How to start one child.

    `env` None: this process' environment. `log` None: this process' output and errors; else both are appended there,
    and a log of more than 5 MB is first renamed to `<log>.1`, over an older one. Standard input is empty. `grace`:
    seconds between SIGTERM and SIGKILL. `pass_fds`: descriptors that stay open for as long as the command or its
    watchdog runs. `ready`, for a `Supervisor`, is called with the child after its first start and returns when the next
    child may start; what it raises ends the whole start.
    """

    name: str
    command: Sequence[str]
    _: KW_ONLY
    # Passwords may be in it.
    env: Mapping[str, str] | None = field(default=None, repr=False)
    cwd: Path | None = None
    log: Path | None = None
    grace: float = 10.0
    pass_fds: Sequence[int] = ()
    ready: "Callable[[Child], None] | None" = None


class Child:
    """A running command behind a watchdog: its process group is gone soon after this process is, kill -9 included.

    Made by `start`; a context manager that stops the child at the end of its block. Exit codes are the command's own,
    or 128 + n if signal n ended it. Not for use by several threads at once.
    """

    def __init__(self, spec: ChildSpec, pid: int, process: subprocess.Popen[bytes], link: socket.socket) -> None:
        self.name = spec.name
        self.pid = pid
        self._grace = spec.grace
        self._process = process
        self._link = link
        self._code: int | None = None

    @classmethod
    def start(cls, spec: ChildSpec) -> Self:
        """Start a command in a session of its own; when this returns, it runs and `pid` is its process id.

        ChildNotStarted if the command cannot be started.
        """
        # The end kept here is not inheritable, so no program that this process starts later holds it open; a fork
        # without exec (multiprocessing's "fork") would, and would keep the child alive after a kill -9 of its parent.
        link, watchdog_end = socket.socketpair()
        try:
            with watchdog_end, contextlib.nullcontext() if spec.log is None else _opened(spec.log) as output:
                process = subprocess.Popen(  # noqa: S603 - the caller's own command, and no shell
                    [sys.executable, "-I", str(_WATCHDOG), str(spec.grace), *spec.command],
                    stdin=watchdog_end.fileno(),
                    stdout=output,
                    stderr=output,
                    env=spec.env,
                    cwd=spec.cwd,
                    pass_fds=spec.pass_fds,
                    start_new_session=True,
                )
            pid = _reported_pid(process, link)
        except OSError as error:
            link.close()
            raise ChildNotStarted(f"{spec.name} could not be started ({spec.command[0]}): {error}") from error
        return cls(spec, pid, process, link)

    @property
    def watchdog_pid(self) -> int:
        """The process id of the watchdog, which is the command's parent."""
        return self._process.pid

    def fileno(self) -> int:
        """A descriptor that becomes readable when the child ends, for `select`; -1 once its exit code is known."""
        return self._link.fileno()

    def poll(self) -> int | None:
        """The exit code, or None while the child runs."""
        if self._code is None and self._process.poll() is not None:
            self._finish()
        return self._code

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, as soon as there is one; ChildStillRunning after `timeout` seconds."""
        if self._code is not None:
            return self._code
        if not select.select([self._link], [], [], timeout)[0]:
            raise ChildStillRunning(f"{self.name} (process {self.pid}) still runs after {timeout:g} s")
        return self._finish()

    def stop(self) -> int:
        """Send SIGTERM, SIGKILL after the grace time, and return the exit code; harmless if the child has ended."""
        if self._code is not None:
            return self._code
        # Unlike a close, this reaches the watchdog even while a forked process holds a copy; it fails if the
        # watchdog is gone already.
        with contextlib.suppress(OSError):
            self._link.shutdown(socket.SHUT_WR)
        try:
            return self.wait(self._grace + _WATCHDOG_SECONDS)
        except ChildStillRunning:
            self._process.kill()
            return self._finish()

    def _finish(self) -> int:
        self._link.close()
        code = self._process.wait()
        if code < 0:
            # The watchdog itself was killed, so its work is done here.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        self._code = code if code >= 0 else 128 - code
        return self._code

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _opened(log: Path) -> BinaryIO:
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > _LOG_BYTES:
        log.replace(log.with_name(f"{log.name}.1"))
    return log.open("ab")


def _reported_pid(process: subprocess.Popen[bytes], link: socket.socket) -> int:
    """The command's process id as its watchdog tells it; OSError, with nothing left running, if it has none."""
    kind, _, value = link.recv(512).decode().strip().partition(" ")
    if kind == "pid":
        return int(value)
    process.wait()
    raise OSError(value or "its watchdog ended")
