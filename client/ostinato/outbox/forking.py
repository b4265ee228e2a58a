"""What a producer has open, and what becomes of it when the process forks.

A fork waits until no thread is in the middle of a call: the child would have half of it, and locks that nothing
releases. What is open stays the parent's. The child neither uses nor closes it, but opens its own.
"""

import os
from threading import RLock

changing = RLock()
"""Held while something opens or closes; a fork waits for it."""


class Open:
    """Something that is open from `opened` to `closed`; a subclass says what a fork has to see to."""

    def opened(self) -> None:
        """From now on it is open."""
        with changing:
            _open.add(self)

    def closed(self) -> None:
        """From now on it is not."""
        with changing:
            _open.discard(self)

    def before_fork(self) -> None:
        """Wait for the end of a call in another thread, and begin none."""

    def after_fork_in_parent(self) -> None:
        """Go on."""

    def after_fork_in_child(self) -> None:
        """Give up what the child must not hold."""


_open: set[Open] = set()
# Kept in a child, because the end of an object would close what the parent uses.
_of_parents: list[Open] = []


def _before() -> None:
    changing.acquire()
    for each in _open:
        each.before_fork()


def _after_in_parent() -> None:
    for each in _open:
        each.after_fork_in_parent()
    changing.release()


def _after_in_child() -> None:
    for each in _open:
        each.after_fork_in_child()
    _of_parents.extend(_open)
    _open.clear()
    changing.release()


os.register_at_fork(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
