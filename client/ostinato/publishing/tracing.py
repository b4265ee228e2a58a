"""The producer's part of a trace, in an application that has set up OpenTelemetry; in any other it does nothing.

A message that waits in an outbox keeps its trace for as long as its process lives. A batch continues the trace of its
first message, and links to those of the others.
"""

import sys
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.trace import SpanContext, Tracer

_MOST_REMEMBERED = 10_000
_remembered: "dict[str, SpanContext]" = {}


@contextmanager
def recording(kind: str, message_id: str) -> Generator[None]:
    """A span for putting a message into an outbox; its trace continues when the message is sent."""
    tracer = _tracer()
    if tracer is None:
        yield
        return
    from opentelemetry.trace import SpanKind  # noqa: PLC0415 - it is loaded already

    with tracer.start_as_current_span(
        f"record {kind}", kind=SpanKind.PRODUCER, attributes={"messaging.message.id": message_id}
    ) as span:
        if span.is_recording():
            _remembered[message_id] = span.get_span_context()
            if len(_remembered) > _MOST_REMEMBERED:
                # Another thread may make the room first.
                with suppress(RuntimeError, StopIteration):
                    _remembered.pop(next(iter(_remembered)), None)
        yield


@contextmanager
def sending(kind: str, message_ids: Iterable[str] = ()) -> Generator[Mapping[str, str]]:
    """A span for handing a task with these messages to the broker; gives the headers that continue its trace."""
    tracer = _tracer()
    if tracer is None:
        yield {}
        return
    from opentelemetry import trace  # noqa: PLC0415 - it is loaded already
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

    ids = [*message_ids]
    recorded = [context for each in ids if (context := _remembered.get(each)) is not None]
    parent = trace.set_span_in_context(trace.NonRecordingSpan(recorded[0])) if recorded else None
    links = [trace.Link(context) for context in recorded[1:]]
    headers: dict[str, str] = {}
    with tracer.start_as_current_span(f"send {kind}", parent, trace.SpanKind.PRODUCER, links=links):
        # The worker reads these headers, whatever the application's own propagators are. Baggage is not sent.
        TraceContextTextMapPropagator().inject(headers)
        yield headers
    for each in ids:
        _remembered.pop(each, None)


def _tracer() -> "Tracer | None":
    """The application's tracer; None if OpenTelemetry is not loaded, or another thread is just loading it."""
    get_tracer = getattr(sys.modules.get("opentelemetry.trace"), "get_tracer", None)
    tracer: Tracer | None = None if get_tracer is None else get_tracer("ostinato")
    return tracer
