"""What observes a worker: the log's summary and, where the settings ask for them, metrics and traces."""

from collections.abc import Generator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from types import TracebackType
from typing import TYPE_CHECKING

import structlog

from ostinato.errors import ConfigurationError
from store.writing.committed import Committed, Observer
from tasks.celery_tasks import Header
from tasks.receiver import Receiver
from worker.observability.summary import Summary
from worker.settings import Settings

if TYPE_CHECKING:
    from worker.observability.tracing import Tracing

_TRACES = "traces"
_log = structlog.get_logger()


class Observers:
    """What observes the transactions and tasks of one application, from the start of its worker to its end.

    An error of an observer is logged, once for each kind of error. It reaches neither the tasks nor other observers.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._summary = Summary()
        self._observers: dict[str, Observer] = {"summary": self._summary.add}
        self._tracing: Tracing | None = None
        self._running = ExitStack()
        self._logged: set[tuple[str, type[Exception]]] = set()

    def committed(self, committed: Committed) -> None:
        """Tell each observer of a committed transaction; never raises."""
        for name, observe in self._observers.items():
            with self._isolated(name):
                observe(committed)

    @contextmanager
    def around(self, kind: str, delivery: str, header: Header) -> Generator[None]:
        """Run a task inside a span, if there are traces.

        The task runs and its errors propagate even if the span fails to begin or to end.
        """
        with ExitStack() as stack:
            if self._tracing is not None:
                with self._isolated(_TRACES):
                    self._enter(stack, self._tracing.around(kind, delivery, header))
            yield

    def start(self, receiver: Receiver) -> None:
        """Begin to log, to serve metrics and to send traces; ConfigurationError if that is impossible."""
        if self._settings.metrics_port is not None:
            self._serve(self._settings.metrics_port, receiver)
        if self._settings.traces:
            self._trace()
        self._summary.start()
        self._running.callback(self._summary.stop)

    def stop(self) -> None:
        """Log and send what is left, and close the port of the metrics."""
        self._running.close()

    def _enter(self, stack: ExitStack, span: AbstractContextManager[None]) -> None:
        span.__enter__()

        def leave(kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
            with self._isolated(_TRACES):
                # Its answer, by which it could swallow the task's error, is not heard.
                span.__exit__(kind, error, trace)

        stack.push(leave)

    @contextmanager
    def _isolated(self, observer: str) -> Generator[None]:
        """Run an observer's code; log its errors and go on."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - no error of an observer may reach what it observes
            if (observer, type(error)) not in self._logged:
                self._logged.add((observer, type(error)))
                _log.exception("watch_failed", watch=observer)

    def _serve(self, port: int, receiver: Receiver) -> None:
        # So that only those who want metrics wait for the library.
        from worker.observability.metrics.serving import Metrics  # noqa: PLC0415 - see above

        metrics = Metrics(self._settings, port, receiver)
        metrics.start()
        self._running.callback(metrics.stop)
        self._observers["metrics"] = metrics.counting.count

    def _trace(self) -> None:
        self._tracing = tracing_class()()
        self._running.callback(self._tracing.stop)
        self._observers[_TRACES] = self._tracing.committed


def tracing_class() -> "type[Tracing]":
    """What OSTINATO_TRACES needs; ConfigurationError where the extra is not installed."""
    try:
        from worker.observability.tracing import Tracing  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigurationError(
            f"OSTINATO_TRACES needs the extra otel ({error}): pip install 'ostinato[otel]'."
        ) from None
    return Tracing
