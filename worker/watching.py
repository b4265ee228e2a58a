"""Who watches what a worker does: the log's summary and, where they are asked for, metrics and traces."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import TYPE_CHECKING

from store.done import Done, Watch
from store.errors import ConfigurationError
from tasks.delivery import Receiver
from worker.settings import Settings
from worker.summary import Summary

if TYPE_CHECKING:
    from worker.tracing import Tracing


class Watching:
    """What watches the transactions of one application, from the start of its worker to its end."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._summary = Summary()
        self._watches: list[Watch] = [self._summary.add]
        self._tracing: Tracing | None = None
        self._running = ExitStack()

    def watch(self, done: Done) -> None:
        """Take note of a committed transaction."""
        for watch in self._watches:
            watch(done)

    def around(self, kind: str, delivery: str, headers: Mapping[str, str]) -> AbstractContextManager[None]:
        """What a task runs in."""
        return nullcontext() if self._tracing is None else self._tracing.around(kind, delivery, headers)

    def found_done(self) -> None:
        """Take note of a task whose message was applied ahead."""
        if self._tracing is not None:
            self._tracing.found_done()

    def start(self, receiver: Receiver) -> None:
        """Begin to say, to serve and to send; ConfigurationError where that cannot be done."""
        if self._settings.metrics_port is not None:
            self._serve(self._settings.metrics_port, receiver)
        if self._settings.traces:
            self._trace()
        self._summary.start()
        self._running.callback(self._summary.stop)

    def stop(self) -> None:
        """Say what is left, and close the port."""
        self._running.close()

    def _serve(self, port: int, receiver: Receiver) -> None:
        # Nobody else has to wait for the library.
        from worker.metrics.serving import Metrics  # noqa: PLC0415 - see above

        metrics = Metrics(self._settings, port, lambda: receiver.waits_for_store)
        metrics.start()
        self._running.callback(metrics.stop)
        self._watches.append(metrics.counting.count)

    def _trace(self) -> None:
        self._tracing = tracing_class()()
        self._running.callback(self._tracing.stop)
        self._watches.append(self._tracing.watch)


def tracing_class() -> "type[Tracing]":
    """What OSTINATO_TRACES needs; ConfigurationError where the extra is not installed."""
    try:
        from worker.tracing import Tracing  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigurationError(
            f"OSTINATO_TRACES needs the extra otel ({error}): pip install 'ostinato[otel]'."
        ) from None
    return Tracing
