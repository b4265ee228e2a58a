"""What the span of a task shows of the commit that its message was applied by."""

from collections.abc import Generator
from contextlib import contextmanager

import pytest

from store.writing.committed import Done
from worker.observability.tracing import Tracing


@contextmanager
def tracing() -> Generator[Tracing]:
    """It sends to nobody, and has nothing to send."""
    found = Tracing()
    try:
        yield found
    finally:
        found.stop()


def test_a_commit_that_was_not_seen_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the watch met an error; the next one is."""
    shown: list[object] = []
    with tracing() as traces:
        monkeypatch.setattr(traces, "_show", shown.append)
        traces.found_done()
        assert [] == shown
        traces.watch(Done(now=0))
        traces.applied_ahead()
        traces.found_done()
        assert 1 == len(shown)
