"""The worker's part of a trace: a span for each task, which goes on with its producer's, and in it one for the commit.

What shares a commit is committed before its tasks run (`tasks/delivery.py`). So the span of the commit, with its own
times, stands in each of their traces, and says how many messages it was for.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from time import time_ns

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from store.done import Done

_SERVICE = "ostinato-worker"


class Tracing:
    """Spans of one application's worker, sent by OTLP over HTTP as the environment (OTEL_…) says; no global state.

    The sending is done by a thread of its own: where nobody listens, spans are dropped and messages are not.
    """

    def __init__(self) -> None:
        resource = Resource({SERVICE_NAME: _SERVICE}).merge(OTELResourceDetector().detect())
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("ostinato")
        self._inside = False
        self._ahead: tuple[Done, int] | None = None

    @contextmanager
    def around(self, kind: str, delivery: str, carrier: Mapping[str, str]) -> Generator[None]:
        """A span for a task of a kind, with the producer's headers for traces."""
        named = {"messaging.system": "celery", "messaging.message.id": delivery, "messaging.operation.type": "process"}
        # Of the environment's propagators none is asked: a broker brings these headers and no others.
        before = TraceContextTextMapPropagator().extract(carrier)
        with self._tracer.start_as_current_span(f"apply {kind}", before, SpanKind.CONSUMER, named):
            self._inside = True
            try:
                yield
            finally:
                self._inside = False

    def watch(self, done: Done) -> None:
        """Take note of a committed transaction."""
        if self._inside:
            self._commit(done, time_ns())
        else:
            self._ahead = done, time_ns()

    def found_done(self) -> None:
        """The task at hand was applied ahead, in the last transaction outside of a task."""
        if self._ahead is not None:
            self._commit(*self._ahead)

    def stop(self) -> None:
        """Send what is left, for some seconds at most."""
        self._provider.shutdown()

    def _commit(self, done: Done, ended: int) -> None:
        said = {
            "ostinato.messages": done.brought,
            "ostinato.applied": len(done.applied) + len(done.unparked),
            "ostinato.duplicates": done.duplicates,
            "ostinato.parked": len(done.parked),
            "ostinato.quarantined": len(done.quarantined),
        }
        span = self._tracer.start_span("commit", attributes=said, start_time=ended - round(done.seconds * 1e9))
        span.end(ended)
