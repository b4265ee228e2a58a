"""Waiting for what other processes do: patience runs out while they do nothing, and not because they are slow."""

import math
import os
import select
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol, TypeVar

SECONDS = 60.0
"""How long nothing may move before a wait fails."""
_TIMES = 10
LONGEST = _TIMES * SECONDS
"""How long a wait may take at all; also for what can only be told a time."""
_POLL = 0.05
_LOOKS = 10
# The share of a CPU that processes with nothing to do stay below, and that starving ones still get.
_IDLE = 0.02
_PROCESSES = Path("/proc")

T = TypeVar("T")


class Running(Protocol):
    """A process, as `Child` and `subprocess.Popen` have it."""

    @property
    def pid(self) -> int: ...  # noqa: D102 - as there
    def poll(self) -> int | None: ...  # noqa: D102


class HasFileno(Protocol):
    """What can be read from, as `select` takes it."""

    def fileno(self) -> int: ...  # noqa: D102


class Patience:
    """Lasts while something moves, and for ``seconds`` after that; never longer than ten times that.

    Something moves while the descendants of this process, those that live when `lasts` is called, use a fiftieth of a
    CPU. Where the system does not tell (macOS), something always moves.
    """

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._begun = self._moved = self._looked = time.monotonic()
        self._used: dict[int, float] = {}

    def lasts(self) -> bool:
        """Whether there is reason to wait on."""
        now = time.monotonic()
        if (since := now - self._looked) >= self._seconds / _LOOKS:
            if self._used_since() >= _IDLE * since:
                self._moved = now
            self._looked = now
        return now - self._moved < self._seconds and now - self._begun < _TIMES * self._seconds

    def _used_since(self) -> float:
        """The seconds of CPU that the descendants have used since the last call; at the first, since their start."""
        if not _PROCESSES.exists():
            return math.inf
        before, self._used = self._used, dict(_cpu_seconds())
        return sum(used - before.get(pid, 0.0) for pid, used in self._used.items())


def comes_true(condition: Callable[[], T], *, seconds: float = SECONDS) -> T:
    """The condition's first true value; its last one, which is false, once nothing has moved for ``seconds``."""
    patience = Patience(seconds)
    while not (value := condition()) and patience.lasts():
        time.sleep(_POLL)
    return value


def wait_until(condition: Callable[[], T], *, why: str) -> T:
    """The condition's first true value; a failure that names ``why`` if there is none and nothing moves."""
    value = comes_true(condition)
    assert value, f"waited in vain: {why}"
    return value


def ended(process: Running) -> int:
    """The exit code of a process, once it has ended by itself."""
    wait_until(lambda: process.poll() is not None, why=f"process {process.pid} ends")
    code = process.poll()
    assert code is not None
    return code


def readable(source: HasFileno | int) -> None:
    """Return once there is something to read, or the end."""
    wait_until(lambda: select.select([source], [], [], 0)[0], why="there is something to read")


def _cpu_seconds() -> Iterator[tuple[int, float]]:
    """What each living descendant of this process has used so far."""
    found: dict[int, tuple[int, int]] = {}
    for each in _PROCESSES.glob("[0-9]*/stat"):
        # It may end meanwhile.
        with suppress(OSError):
            # Its name, in brackets, may have anything in it.
            fields = each.read_bytes().rpartition(b")")[2].split()
            found[int(each.parent.name)] = int(fields[1]), int(fields[11]) + int(fields[12])
    own, tick = os.getpid(), 1 / os.sysconf("SC_CLK_TCK")
    for pid, (parent, ticks) in found.items():
        ancestor = parent
        while ancestor in found and ancestor != own:
            ancestor, _ = found[ancestor]
        if ancestor == own:
            yield pid, ticks * tick
