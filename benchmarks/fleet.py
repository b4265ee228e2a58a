"""Processes that are set to work at one moment."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from threading import Barrier, Thread
from typing import ParamSpec, Self, TypeVar

# Importing everything in many processes at once takes its time.
_READY_SECONDS = 300.0

P = ParamSpec("P")
R = TypeVar("R")


class Fleet:
    """``size`` processes, started once and used for round after round; a context manager that ends them."""

    def __init__(self, size: int) -> None:
        context = get_context("spawn")
        self.size = size
        self._pool = ProcessPoolExecutor(
            size, mp_context=context, initializer=_enlist, initargs=(context.Barrier(size),)
        )

    def start(
        self, work: Callable[P, Callable[[], R]], arguments: Callable[[int], tuple[object, ...]]
    ) -> list["Future[R]"]:
        """Call ``work`` in each process, with the arguments for its number, and what it gives in all at one moment."""
        return [self._pool.submit(_released, work, arguments(number)) for number in range(self.size)]

    def run(self, work: Callable[P, Callable[[], R]], arguments: Callable[[int], tuple[object, ...]]) -> list[R]:
        """The same, and wait for what they come to."""
        return results(self.start(work, arguments))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)


def results(started: Iterable["Future[R]"]) -> list[R]:
    """What the processes came to; raises what one of them raised."""
    return [each.result() for each in started]


_starts: list[Barrier] = []


def _enlist(start: Barrier) -> None:
    _starts.append(start)
    Thread(target=_end_with_parent, name="parent", daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _released(work: Callable[..., Callable[[], R]], arguments: tuple[object, ...]) -> R:
    prepared = work(*arguments)
    _starts[0].wait(_READY_SECONDS)
    return prepared()
