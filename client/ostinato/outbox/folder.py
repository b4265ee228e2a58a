"""The folder in which the producers of a machine have their outboxes: one file for each process that runs.

A process owns a file while it holds the lock beside it. The lock goes with the process, however that ends; the next
process takes the file over, with what waits in it.
"""

import fcntl
import os
from collections.abc import Collection, Generator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from typing_extensions import override

from ostinato.errors import OutboxUnavailable
from ostinato.outbox.forking import Open, changing


@dataclass(frozen=True)
class Place(Open):
    """A file of the folder that this process owns; ``lock`` is the descriptor that says so."""

    path: Path
    lock: int

    def leave(self) -> None:
        """Let other processes have it."""
        with changing:
            self.closed()
            # Not only closed: a child that is about to run another program may have the descriptor too.
            fcntl.flock(self.lock, fcntl.LOCK_UN)
            os.close(self.lock)

    @override
    def after_fork_in_child(self) -> None:
        # A lock is free when all its descriptors are closed.
        os.close(self.lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()


def take(folder: Path, besides: Collection[Path] = ()) -> Place:
    """Own the folder's first file that no process owns and that is none of ``besides``; it may not exist yet.

    OutboxUnavailable.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        number = 1
        while (path := folder / f"{number}.db") in besides or (place := _taken(path)) is None:
            number += 1
    except OSError as error:
        raise OutboxUnavailable(f"The outbox folder {folder} cannot be used: {error.strerror}.") from None
    return place


def abandoned(folder: Path) -> Generator[Place]:
    """Each file whose process has ended, owned until the next is asked for."""
    for path in paths(folder):
        with suppress(OSError):
            place = _taken(path)
            if place is not None:
                with place:
                    yield place


def paths(folder: Path) -> list[Path]:
    """Every file of the folder, the first taken first."""
    return sorted(folder.glob("*.db"), key=lambda path: (len(path.name), path.name))


def owner(path: Path) -> int | None:
    """The process that owns a file; None if it has ended, or is another user's."""
    place = _taken(path)
    if place is not None:
        place.leave()
        return None
    with suppress(PermissionError):
        return int(_lock_of(path).read_text() or 0) or None
    return None


def _taken(path: Path) -> Place | None:
    try:
        with changing:
            lock = os.open(_lock_of(path), os.O_RDWR | os.O_CREAT, 0o600)
            place = Place(path, lock)
            place.opened()
    except PermissionError:
        if _lock_of(path).exists():  # another user's
            return None
        raise
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
    except OSError as error:
        place.leave()
        if isinstance(error, BlockingIOError):
            return None
        raise
    return place


def _lock_of(path: Path) -> Path:
    return path.with_suffix(".lock")
