"""The worker's part of a trace: a span for each task, which continues its producer's, and in it a span for the commit.

Messages that share a commit are committed before their tasks run (`tasks/receiver.py`). So each of their traces has a
span of that commit, with the times of the commit and the number of its messages.
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

from store.writing.committed import Committed
from tasks.celery_tasks import Header

LAST_SECONDS = 2.0
_SERVICE = "ostinato-worker"
# More than one fetch brings. Not more: deliveries may be committed whose tasks never run.
_REMEMBERED = 1_000
# Whatever propagators the environment names: messages carry the headers of this one, and no others.
_PROPAGATOR = TraceContextTextMapPropagator()


class _Commit(NamedTuple):
    """A transaction, as its span shows it; times are nanoseconds since 1970 UTC."""

    attributes: Mapping[str, int]
    began: int
    ended: int


class Tracing:
    """Spans of one application's worker, sent by OTLP over HTTP as the environment (OTEL_…) says; no global state.

    A thread of its own sends them: if no server takes them, spans are dropped and messages are not.
    """

    def __init__(self) -> None:
        resource = Resource({SERVICE_NAME: _SERVICE}).merge(OTELResourceDetector().detect())
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("ostinato")
        # By the id of the delivery: the commits that its task has not shown yet.
        self._commits: dict[str, list[_Commit]] = {}

    @contextmanager
    def around(self, kind: str, delivery: str, header: Header) -> Generator[None]:
        """A span for a task of a kind; it continues the headers' trace, and shows the delivery's commit."""
        named = {"messaging.system": "celery", "messaging.message.id": delivery, "messaging.operation.type": "process"}
        carrier = {name: text for name in _PROPAGATOR.fields if isinstance(text := header(name), str)}
        before = _PROPAGATOR.extract(carrier)
        with self._tracer.start_as_current_span(f"apply {kind}", before, SpanKind.CONSUMER, named):
            try:
                yield
            finally:
                for commit in self._commits.pop(delivery, ()):
                    self._show(commit)

    def committed(self, committed: Committed) -> None:
        """Remember a committed transaction for the tasks of its deliveries."""
        commit = _commit(committed)
        # A message without a task has an empty id.
        for delivery in set(committed.deliveries) - {""}:
            self._commits.setdefault(delivery, []).append(commit)
        while len(self._commits) > _REMEMBERED:
            del self._commits[next(iter(self._commits))]

    def stop(self) -> None:
        """Send what is left, for `LAST_SECONDS` at most; drop what could not be sent by then."""
        # The SDK's own timeouts hold for each of several requests, and nothing interrupts the last one.
        sending = Thread(target=self._provider.shutdown, daemon=True, name="last-spans")
        sending.start()
        sending.join(LAST_SECONDS)

    def _show(self, commit: _Commit) -> None:
        span = self._tracer.start_span("commit", attributes=commit.attributes, start_time=commit.began)
        span.end(commit.ended)


def _commit(committed: Committed) -> _Commit:
    ended = time_ns()
    attributes = {
        "ostinato.messages": committed.brought,
        "ostinato.applied": len(committed.applied) + len(committed.unparked),
        "ostinato.duplicates": committed.duplicates,
        "ostinato.parked": len(committed.parked),
        "ostinato.quarantined": len(committed.quarantined),
    }
    return _Commit(attributes, ended - round(committed.seconds * 1e9), ended)
