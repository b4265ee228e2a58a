"""The producer's part of a trace: which headers go on with a message, whatever the application has set up."""

import json
import subprocess
import sys

SEND = """
import json, sys
from types import ModuleType
from ostinato.publishing import tracing
from ostinato.publishing.tracing import recording, sending

# As another thread finds it that sends while it is being imported.
sys.modules["opentelemetry.trace"] = ModuleType("opentelemetry.trace")
with sending("kind") as headers:
    none = dict(headers)
with recording("kind", "untraced"):
    assert not tracing._remembered
del sys.modules["opentelemetry.trace"]

from opentelemetry import baggage, context, trace
from opentelemetry.sdk.trace import TracerProvider
trace.set_tracer_provider(TracerProvider())
context.attach(baggage.set_baggage("user", "somebody"))
with sending("kind") as headers:
    print(json.dumps([none, sorted(headers)]))

tracing._MOST_REMEMBERED = 2
for name in ("first", "second", "third"):
    with recording("kind", name):
        pass
print(json.dumps([*tracing._remembered]))
"""


def test_a_trace_and_nothing_else_goes_on() -> None:
    """By the headers that the worker reads, and not before OpenTelemetry is there; no baggage lies on the broker."""
    done = subprocess.run([sys.executable, "-c", SEND], check=True, capture_output=True, text=True)

    headers, remembered = map(json.loads, done.stdout.splitlines())
    assert [{}, ["traceparent"]] == headers
    # What is never sent is forgotten, the oldest first.
    assert ["second", "third"] == remembered
    assert "" == done.stderr
