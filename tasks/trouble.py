"""Trouble in the log: once when it begins, and once when it is over, however often it is met in between."""

from time import monotonic

import structlog

_log = structlog.get_logger()


class Trouble:
    """One kind of trouble. `begin` logs the first event as a warning, `end` the second, each at most once in turn.

    ``calm``: seconds for which nothing may have gone wrong before it counts as over; what comes and goes is one
    trouble.
    """

    def __init__(self, begins: str, ends: str, *, calm: float = 0.0) -> None:
        self._begins = begins
        self._ends = ends
        self._calm = calm
        self._met: float | None = None

    def begin(self, detail: str) -> None:
        """Say that it went wrong, for this reason."""
        if self._met is None:
            _log.warning(self._begins, detail=detail)
        self._met = monotonic()

    def end(self) -> None:
        """Say that it went well."""
        if self._met is not None and monotonic() - self._met >= self._calm:
            _log.info(self._ends)
            self._met = None
