"""Looking beside the view, so that a broker that hangs holds up no key."""

from collections.abc import Callable
from threading import Event, Thread
from typing import Self

from worker.cli.top.sight import Looking, Sight

_PATIENCE = 0.2


class Looker:
    """Looks every so many seconds, in a thread, and calls ``seen`` after each look; a context manager."""

    def __init__(self, looking: Looking, every: float, seen: Callable[[], None]) -> None:
        self._looking, self._every, self._seen = looking, every, seen
        self._stop = Event()
        # A look that hangs does not hold up the end of the process.
        self._thread = Thread(target=self._run, name="looker", daemon=True)
        self._sight: Sight | None = None
        self._failure: Exception | None = None

    def sight(self) -> Sight | None:
        """The last look, None before the first; raises what ended the looking, which is a defect."""
        if self._failure is not None:
            raise self._failure
        return self._sight

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._sight = self._looking.look()
                self._seen()
                self._stop.wait(self._every)
        except Exception as error:  # noqa: BLE001 - whoever asks for the sight gets it
            self._failure = error
            self._seen()
        finally:
            self._looking.close()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(_PATIENCE)
