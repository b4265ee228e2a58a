"""The folder in which the producers of a machine have their outboxes: one file for each process that runs.

A file is owned by whoever holds the lock beside it. The lock goes with the process, however that ends; the next
process takes the file over, with what waits in it.
"""

import fcntl
import os
from collections.abc import Collection, Generator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Self

from ostinato.errors import OutboxUnavailable


class Place(NamedTuple):
    """A file of the folder that this process owns; ``lock`` is the descriptor that says so."""

    path: Path
    lock: int

    def leave(self) -> None:
        """Let others have it."""
        _held.discard(self.lock)
        # Not only closed: a child that is just being forked has the descriptor too.
        fcntl.flock(self.lock, fcntl.LOCK_UN)
        os.close(self.lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()


def take(folder: Path, besides: Collection[Path] = ()) -> Place:
    """The folder's first file that nobody owns, besides these, be it there already or not; OutboxUnavailable."""
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
        lock = os.open(_lock_of(path), os.O_RDWR | os.O_CREAT, 0o600)
    except PermissionError:
        if _lock_of(path).exists():  # another user's
            return None
        raise
    _held.add(lock)
    place = Place(path, lock)
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


# A lock is free when all its descriptors are closed: a child of a fork must not keep its parent's.
_held: set[int] = set()


def _after_fork() -> None:
    for lock in _held:
        os.close(lock)
    _held.clear()


os.register_at_fork(after_in_child=_after_fork)
