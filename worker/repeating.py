"""A thread that repeats an action until it is stopped."""

from collections.abc import Callable
from threading import Event, Thread


class Repeating:
    """Calls ``action`` every ``every`` seconds, in a daemon thread of its own, from `start` to `stop`."""

    def __init__(self, every: float, action: Callable[[], object], name: str) -> None:
        self._every, self._action = every, action
        self._stopped = Event()
        self._thread = Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin; the first call comes after ``every`` seconds."""
        self._thread.start()

    def stop(self, timeout: float | None = None) -> None:
        """End, and wait for a call that is under way, for at most ``timeout`` seconds; safe if never started."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _run(self) -> None:
        while not self._stopped.wait(self._every):
            self._action()
