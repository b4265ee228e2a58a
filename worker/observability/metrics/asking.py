"""Questions that are asked while a Prometheus server waits: each in a thread of its own, and for so long only."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock, Thread
from time import monotonic
from typing import Generic, TypeVar

T = TypeVar("T")


class Question(Generic[T]):
    """One question. While it is under way nobody asks it again: a part that hangs costs one thread, not many."""

    def __init__(self, name: str, ask: Callable[[], T]) -> None:
        self._name = name
        self._ask = ask
        self._lock = Lock()
        self._asked: Future[T] | None = None

    def begin(self) -> "Answer[T]":
        """Ask, unless that is under way already."""
        with self._lock:
            if self._asked is None or self._asked.done():
                self._asked = self._begun()
            return Answer(self._asked)

    def _begun(self) -> "Future[T]":
        asked = Future[T]()
        # A daemon, so that the worker ends whatever does not answer.
        thread = Thread(target=self._run, args=(asked,), daemon=True, name=f"asking-{self._name}")
        try:
            thread.start()
        except RuntimeError as error:  # no room for a thread, for now: whoever asks later must not wait for this one
            asked.set_exception(error)
        return asked

    def _run(self, asked: "Future[T]") -> None:
        try:
            asked.set_result(self._ask())
        except Exception as error:  # noqa: BLE001 - whatever it is, there is no answer
            asked.set_exception(error)


class Answer(Generic[T]):
    """What is to come of a question."""

    def __init__(self, asked: "Future[T]") -> None:
        self._asked = asked

    def by(self, deadline: float) -> T | None:
        """The answer; None if it failed, or is not there by then, in monotonic seconds."""
        try:
            return self._asked.result(timeout=max(0.0, deadline - monotonic()))
        except Exception:  # noqa: BLE001 - what the trouble is stands in the worker's log, where the worker meets it
            return None
