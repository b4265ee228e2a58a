"""What the span of a task shows of the commit that its message was applied by."""

from collections.abc import Callable

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from store.writing.committed import Committed
from worker.observability import tracing
from worker.observability.tracing import Tracing

Play = Callable[[str], list[str]]


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Play:
    """Plays a script: ``+a,b`` commits two deliveries together, ``a`` runs a task; gives the spans as they end."""
    exporter = InMemorySpanExporter()
    monkeypatch.setattr(tracing, "OTLPSpanExporter", lambda: exporter)

    def run(script: str) -> list[str]:
        traces = Tracing()
        for each in script.split():
            if each.startswith("+"):
                traces.committed(Committed(now=0, deliveries=each[1:].split(",")))
            else:
                with traces.around("kind", each, lambda _: None):
                    pass
        traces.stop()
        return [span.name for span in exporter.get_finished_spans()]

    return run


def test_a_commit_that_was_not_seen_is_not_shown(play: Play) -> None:
    """As after an error of the observer; the next commit of that delivery is shown, and once."""
    assert ["apply kind", "commit", "apply kind", "apply kind"] == play("d +other,d d d")


def test_every_commit_of_a_delivery_is_shown(play: Play) -> None:
    """A batch that met a defect is applied one by one."""
    assert ["commit", "commit", "apply kind"] == play("+d +d d")


def test_deliveries_without_a_task_are_forgotten(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their tasks never ran, or there was none: a worker's memory does not grow with what it has seen."""
    monkeypatch.setattr(tracing, "_REMEMBERED", 2)
    assert ["apply kind", "commit", "apply kind", "commit", "apply kind"] == play("+one + +two +three one two three")
