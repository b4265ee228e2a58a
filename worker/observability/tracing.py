"""The worker's part of a trace: a span for each task, which goes on with its producer's, and in it one for the commit.

What shares a commit is committed before its tasks run (`tasks/receiver.py`). So the span of the commit, with its own
times, stands in each of their traces, and says how many messages it was for.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from threading import Thread
from time import time_ns
from typing import NamedTuple

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from store.writing.committed import Done
from tasks.celery_tasks import Header

LAST_SECONDS = 2.0
_SERVICE = "ostinato-worker"
# Of the environment's propagators none is asked: a broker brings this one's headers, and no others.
_PROPAGATOR = TraceContextTextMapPropagator()


class _Commit(NamedTuple):
    """A transaction, as its span says it; times are nanoseconds since 1970 UTC."""

    said: Mapping[str, int]
    began: int
    ended: int


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
        self._outside: _Commit | None = None
        self._ahead: _Commit | None = None

    @contextmanager
    def around(self, kind: str, delivery: str, header: Header) -> Generator[None]:
        """A span for a task of a kind, with the producer's headers for traces."""
        named = {"messaging.system": "celery", "messaging.message.id": delivery, "messaging.operation.type": "process"}
        carrier = {name: text for name in _PROPAGATOR.fields if isinstance(text := header(name), str)}
        before = _PROPAGATOR.extract(carrier)
        with self._tracer.start_as_current_span(f"apply {kind}", before, SpanKind.CONSUMER, named):
            self._inside = True
            try:
                yield
            finally:
                self._inside = False

    def watch(self, done: Done) -> None:
        """Take note of a committed transaction."""
        commit = _commit(done)
        if self._inside:
            self._show(commit)
        else:
            self._outside = commit

    def applied_ahead(self) -> None:
        """The last transaction outside of a task was one ahead of tasks: not one of a message that has no task."""
        self._ahead = self._outside

    def found_done(self) -> None:
        """The task at hand was applied ahead, in the last transaction of that kind."""
        if self._ahead is not None:
            self._show(self._ahead)

    def stop(self) -> None:
        """Send what is left, for `LAST_SECONDS` at most; what could not be sent by then is dropped."""
        # The SDK's own time-outs are for each of several requests, the last of which nothing interrupts.
        sending = Thread(target=self._provider.shutdown, daemon=True, name="last-spans")
        sending.start()
        sending.join(LAST_SECONDS)

    def _show(self, commit: _Commit) -> None:
        span = self._tracer.start_span("commit", attributes=commit.said, start_time=commit.began)
        span.end(commit.ended)


def _commit(done: Done) -> _Commit:
    ended = time_ns()
    said = {
        "ostinato.messages": done.brought,
        "ostinato.applied": len(done.applied) + len(done.unparked),
        "ostinato.duplicates": done.duplicates,
        "ostinato.parked": len(done.parked),
        "ostinato.quarantined": len(done.quarantined),
    }
    return _Commit(said, ended - round(done.seconds * 1e9), ended)
