"""Errors of observers reach neither the tasks nor other observers."""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from structlog.testing import capture_logs

import worker.observability.tracing
from store.writing.committed import Committed
from store.writing.transaction import Writer
from tasks.receiver import Receiver
from worker.observability.watching import Observers
from worker.settings import Settings

Span = Callable[[], AbstractContextManager[None]]
COMMITTED = Committed(now=0)


@contextmanager
def fails(*, begin: bool = False, end: bool = False) -> Generator[None]:
    """A span that fails to begin, or to end."""
    if begin:
        raise ValueError("begin")
    try:
        yield
    finally:
        if end:
            raise ValueError("end")


@contextmanager
def swallows() -> Generator[None]:
    """A span that suppresses its task's errors."""
    with suppress(RuntimeError):
        yield


@dataclass
class Traces:
    """A stand-in for `Tracing`: its spans are these, and each commit raises the next error."""

    span: Span = nullcontext
    errors: list[BaseException] = field(default_factory=list[BaseException])

    def around(self, *_: object) -> AbstractContextManager[None]:
        """The span of a task."""
        return self.span()

    def committed(self, _: Committed) -> None:
        """Fail."""
        raise self.errors.pop()

    def stop(self) -> None:
        """There is nothing to send."""


Start = Callable[[Traces], AbstractContextManager[Observers]]


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    """Runs observers with these traces."""

    @contextmanager
    def run(traces: Traces) -> Generator[Observers]:
        monkeypatch.setattr(worker.observability.tracing, "Tracing", lambda: traces)
        settings = Settings(home=tmp_path, traces=True)
        observers = Observers(settings)
        observers.start(Receiver(Writer(settings.store_address), lambda: 0, lambda _: False))
        yield observers
        observers.stop()

    return run


def test_each_kind_of_error_is_logged_once(running: Start) -> None:
    """With the observer's name; the other observers are told of every commit."""
    with capture_logs() as logs, running(Traces(errors=[ValueError(), ValueError(), TypeError()])) as observers:
        for _ in range(3):
            observers.committed(COMMITTED)

    failed = [(each["event"], each["watch"]) for each in logs if each["log_level"] == "error"]
    assert [("watch_failed", "traces")] * 2 == failed
    assert [3] == [each["transactions"] for each in logs if each["event"] == "messages_handled"]


@pytest.mark.parametrize("when", ["begin", "end"])
def test_a_task_runs_although_its_span_fails(running: Start, when: str) -> None:
    """Whether the span fails at its begin or at its end."""
    ran: list[str] = []
    traces = Traces(lambda: fails(**{when: True}))
    with capture_logs() as logs, running(traces) as observers, observers.around("kind", "delivery", ran.append):
        ran.append("it")

    assert (["it"], ["watch_failed"]) == (ran, [each["event"] for each in logs])


@pytest.mark.parametrize("span", [lambda: fails(end=True), swallows])
def test_errors_of_a_task_propagate(running: Start, span: Span) -> None:
    """Unchanged, whatever the span makes of them."""
    with (
        capture_logs(),
        running(Traces(span)) as observers,
        pytest.raises(RuntimeError, match="of its own"),
        observers.around("kind", "delivery", lambda _: None),
    ):
        raise RuntimeError("of its own")


def test_an_observer_cannot_keep_the_process_from_ending(running: Start) -> None:
    """Only errors are caught, and no exit."""
    with running(Traces(errors=[SystemExit()])) as observers, pytest.raises(SystemExit):
        observers.committed(COMMITTED)
