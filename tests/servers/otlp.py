"""A receiver of traces, as OTLP over HTTP, on a free loopback port."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import NamedTuple, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from typing_extensions import override


class Seen(NamedTuple):
    """A span: its trace, its place in it, its name, who sent it, which traces it has links to, and what it says."""

    trace: str
    id: str
    parent: str
    name: str
    service: str
    links: list[str]
    said: dict[str, str | int]


class Receiver:
    """Keeps every span that it is sent. A context manager."""

    def __init__(self) -> None:
        self.spans: list[Seen] = []
        spans = self.spans

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                spans.extend(_seen(ExportTraceServiceRequest.FromString(body)))
                self.send_response(200)
                self.end_headers()

            @override
            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, daemon=True)
        self.env = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self._server.server_port}",
            # Milliseconds from the end of a span to its sending.
            "OTEL_BSP_SCHEDULE_DELAY": "50",
        }

    def named(self, *names: str) -> list[Seen]:
        """The spans with these names."""
        return [span for span in self.spans if span.name in names]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _seen(request: ExportTraceServiceRequest) -> Iterator[Seen]:
    for resource in request.resource_spans:
        of = {each.key: each.value.string_value for each in resource.resource.attributes}
        for scope in resource.scope_spans:
            yield from (_one(span, of.get("service.name", "")) for span in scope.spans)


def _one(span: Span, service: str) -> Seen:
    said = {each.key: each.value.string_value or each.value.int_value for each in span.attributes}
    ids = [each.hex() for each in (span.trace_id, span.span_id, span.parent_span_id)]
    return Seen(ids[0], ids[1], ids[2], span.name, service, [link.trace_id.hex() for link in span.links], said)
