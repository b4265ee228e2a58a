"""Several children together: started in order, restarted when they end, stopped in reverse order."""

import contextlib
import select
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Self

from worker.processes.child import Child, ChildNotStarted, ChildSpec


@dataclass(frozen=True, slots=True)
class Started:
    """A child runs, as process `pid`."""

    name: str
    pid: int


@dataclass(frozen=True, slots=True)
class Exited:
    """A child ended; `code` as in `Child`, `expected` if it was told to stop."""

    name: str
    code: int
    expected: bool


@dataclass(frozen=True, slots=True)
class CouldNotStart:
    """A restart failed, for this reason; nothing runs."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Restarting:
    """A child that ended unexpectedly, or could not start again, will be started again in `delay` seconds."""

    name: str
    delay: float


Event = Started | Exited | CouldNotStart | Restarting


@dataclass(frozen=True, slots=True)
class Backoff:
    """Seconds before a restart: `first`, doubled each time up to `longest`; `first` again after a life of `settled`."""

    first: float = 0.5
    longest: float = 10.0
    settled: float = 30.0

    def following(self, delay: float | None, lived: float) -> float:
        """The delay after `delay` (None: there was none yet) for a child that lived `lived` seconds."""
        return self.first if delay is None or lived >= self.settled else min(2 * delay, self.longest)


class Supervisor:
    """Runs children until it is asked to stop. A context manager: starts them all, stops them all.

    `on_event` is called in the thread that runs `start`, `run` and `stop`; what it raises ends that call.
    """

    def __init__(
        self, specs: Sequence[ChildSpec], on_event: Callable[[Event], None], backoff: Backoff | None = None
    ) -> None:
        self._places = [_Place(spec, on_event, backoff or Backoff()) for spec in specs]
        self._asked, self._ask = socket.socketpair()
        self._ask.setblocking(False)  # noqa: FBT003 - the standard library's signature

    def start(self) -> None:
        """Start all children in order; if one cannot start or does not get ready, stop all and raise its error."""
        try:
            for place in self._places:
                place.start()
        except BaseException:
            self.stop()
            raise

    def run(self) -> None:
        """Restart children as they end, until `request_stop`."""
        while True:
            dues = [place.due for place in self._places if place.due is not None]
            timeout = max(0.0, min(dues) - time.monotonic()) if dues else None
            running = [place.child for place in self._places if place.child is not None]
            ready = select.select([self._asked.fileno(), *(child.fileno() for child in running)], [], [], timeout)[0]
            if self._asked.fileno() in ready:
                return
            for place in self._places:
                place.attend()

    def request_stop(self) -> None:
        """Make `run` return, also one that has yet to begin; callable from signal handlers and other threads."""
        # Fails only when it no longer matters: enough requests wait already, or all children are stopped.
        with contextlib.suppress(OSError):
            self._ask.send(b".")

    def pid(self, name: str) -> int | None:
        """The process id of the child of that name; None while it is not running."""
        return next((p.child.pid for p in self._places if p.spec.name == name and p.child is not None), None)

    def stop(self) -> None:
        """Stop all children in reverse order, each within its grace time; final, and harmless if repeated.

        An error that `on_event` raises leaves no child running.
        """
        with ExitStack() as last_first:
            last_first.callback(self._ask.close)
            last_first.callback(self._asked.close)
            for place in self._places:
                last_first.callback(place.stop)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Place:
    """One child's place: `child` runs, or it starts again at `due` (monotonic seconds), or neither."""

    def __init__(self, spec: ChildSpec, on_event: Callable[[Event], None], backoff: Backoff) -> None:
        self.spec = spec
        self.child: Child | None = None
        self.due: float | None = None
        self._on_event = on_event
        self._backoff = backoff
        self._delay: float | None = None
        self._since = 0.0

    def start(self) -> None:
        self._launch()
        if self.spec.ready is not None and self.child is not None:
            self.spec.ready(self.child)

    def attend(self) -> None:
        if self.child is not None and (code := self.child.poll()) is not None:
            self.child = None
            self._on_event(Exited(self.spec.name, code, expected=False))
            self._plan_restart()
        elif self.due is not None and time.monotonic() >= self.due:
            try:
                self._launch()
            except ChildNotStarted as error:
                self._on_event(CouldNotStart(self.spec.name, str(error)))
                self._plan_restart()

    def stop(self) -> None:
        self.due = None
        if self.child is not None:
            code = self.child.stop()
            self.child = None
            self._on_event(Exited(self.spec.name, code, expected=True))

    def _launch(self) -> None:
        self.due = None
        self._since = time.monotonic()
        self.child = Child.start(self.spec)
        self._on_event(Started(self.spec.name, self.child.pid))

    def _plan_restart(self) -> None:
        now = time.monotonic()
        self._delay = self._backoff.following(self._delay, now - self._since)
        self.due = now + self._delay
        self._on_event(Restarting(self.spec.name, self._delay))
