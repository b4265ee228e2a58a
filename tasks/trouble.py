"""Trouble in the log: one line when it begins and one when it is over, however often it occurs in between."""

from time import monotonic

import structlog

_log = structlog.get_logger()


class Trouble:
    """One kind of trouble. `begin` logs its first event as a warning, `end` the second, each once in turn.

    ``calm``: the trouble is over when nothing has gone wrong for this many seconds, so that trouble that comes and
    goes is one trouble.
    """

    def __init__(self, begins: str, ends: str, *, calm: float = 0.0) -> None:
        self._begins = begins
        self._ends = ends
        self._calm = calm
        self._met: float | None = None

    @property
    def lasts(self) -> bool:
        """Whether it has begun and is not over; for any thread."""
        return self._met is not None

    def begin(self, detail: str) -> None:
        """Something went wrong, for this reason."""
        if self._met is None:
            _log.warning(self._begins, detail=detail)
        self._met = monotonic()

    def end(self) -> None:
        """Something went well."""
        if self._met is not None and monotonic() - self._met >= self._calm:
            _log.info(self._ends)
            self._met = None
