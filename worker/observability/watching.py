"""Who watches what a worker does: the log's summary and, where they are asked for, metrics and traces."""

from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import TYPE_CHECKING

from ostinato.errors import ConfigurationError
from store.writing.committed import Done, Watch
from tasks.celery_tasks import Header
from tasks.receiver import Receiver
from worker.observability.isolation import Isolation
from worker.observability.summary import Summary
from worker.settings import Settings

if TYPE_CHECKING:
    from worker.observability.tracing import Tracing

_TRACES = "traces"


class Watching:
    """What watches the transactions of one application, from the start of its worker to its end.

    An error of one that watches is logged; neither what is watched nor the others have to do with it.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._summary = Summary()
        self._watches: dict[str, Watch] = {"summary": self._summary.add}
        self._isolation = Isolation()
        self._tracing: Tracing | None = None
        self._running = ExitStack()

    def watch(self, done: Done) -> None:
        """Take note of a committed transaction."""
        for name, watch in self._watches.items():
            with self._isolation.keeping(name):
                watch(done)

    def around(self, kind: str, delivery: str, header: Header) -> AbstractContextManager[None]:
        """What a task runs in."""
        tracing = self._tracing
        if tracing is None:
            return nullcontext()
        return self._isolation.around(_TRACES, lambda: tracing.around(kind, delivery, header))

    def applied_ahead(self) -> None:
        """Take note that the last transaction was one ahead of its tasks."""
        if self._tracing is not None:
            with self._isolation.keeping(_TRACES):
                self._tracing.applied_ahead()

    def found_done(self) -> None:
        """Take note of a task whose message was applied ahead."""
        if self._tracing is not None:
            with self._isolation.keeping(_TRACES):
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
        from worker.observability.metrics.serving import Metrics  # noqa: PLC0415 - see above

        metrics = Metrics(self._settings, port, lambda: receiver.waits_for_store)
        metrics.start()
        self._running.callback(metrics.stop)
        self._watches["metrics"] = metrics.counting.count

    def _trace(self) -> None:
        self._tracing = tracing_class()()
        self._running.callback(self._tracing.stop)
        self._watches[_TRACES] = self._tracing.watch


def tracing_class() -> "type[Tracing]":
    """What OSTINATO_TRACES needs; ConfigurationError where the extra is not installed."""
    try:
        from worker.observability.tracing import Tracing  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigurationError(
            f"OSTINATO_TRACES needs the extra otel ({error}): pip install 'ostinato[otel]'."
        ) from None
    return Tracing
