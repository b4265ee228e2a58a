"""What watches a worker's transactions: each by itself, and none to the harm of what it watches."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from socket import create_server
from threading import enumerate as threads
from urllib.request import urlopen

import pytest
from structlog.testing import capture_logs

from ostinato.messages.models import RecordPattern
from store.database.schema import migrate
from store.events import Rejected
from store.writing.committed import Done
from store.writing.transaction import Writer
from tasks.receiver import Delivered, Receiver
from tests.servers.brokers import free_port
from tests.servers.otlp import Receiver as Otlp
from tests.waiting import wait_until
from worker.clock import now
from worker.observability.watching import Watching
from worker.settings import Settings

REFUSED = Rejected(raw=b"no", reason_code="not_json", reason_detail="")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """With metrics and traces."""
    return Settings(home=tmp_path, broker_url="redis://127.0.0.1:1", traces=True, metrics_port=free_port())


@pytest.fixture
def otlp(monkeypatch: pytest.MonkeyPatch) -> Generator[Otlp]:
    """Who takes the traces of this process."""
    with Otlp() as otlp:
        for name, value in otlp.env.items():
            monkeypatch.setenv(name, value)
        yield otlp


@contextmanager
def watched(settings: Settings) -> Generator[tuple[Watching, Receiver]]:
    """What watches a receiver, which has a store."""
    watching = Watching(settings)
    migrate(settings.store_address)
    writer = Writer(settings.store_address, watch=watching.watch)
    receiver = Receiver(writer, now, lambda _: False, watching.applied_ahead, watching.found_done)
    watching.start(receiver)
    yield watching, receiver
    watching.stop()
    writer.close()


def no_header(_name: str) -> None:
    """A task without headers."""


def test_one_that_fails_keeps_nothing_from_the_others(settings: Settings, otlp: Otlp) -> None:
    """A counter cannot go down: the metrics cannot count this; traces and summary take note, and one line says it."""
    wrong = Done(now(), brought=3)
    wrong.counts.update(duplicates=-1, applied=3)
    with capture_logs() as logs, watched(settings) as (watching, _):
        for _ in range(2):
            with watching.around("record_pattern", "d", no_header):
                watching.watch(wrong)

    assert [3, 3] == [commit.said["ostinato.messages"] for commit in otlp.named("commit")]
    (failed,) = [each for each in logs if each["event"] == "watch_failed"]
    (handled,) = [each for each in logs if each["event"] == "messages_handled"]
    assert ("metrics", 6) == (failed["watch"], handled["applied"])


def test_a_message_is_applied_whose_task_cannot_be_traced(settings: Settings, otlp: Otlp) -> None:
    """Even a header that cannot be read keeps no task from its message."""

    def header(name: str) -> object:
        raise LookupError(name)

    message = RecordPattern(pattern_type="T", pattern_name="n")
    with capture_logs() as logs, watched(settings) as (watching, receiver):
        with watching.around(message.KIND, "d", header):
            receiver.receive(message.KIND, message.content(), "d")
        with urlopen(f"http://127.0.0.1:{settings.metrics_port}/metrics") as answer:
            metrics = answer.read().decode()

    assert 'ostinato_messages_applied_total{kind="record_pattern"} 1.0' in metrics
    assert ["traces"] == [each["watch"] for each in logs if each["event"] == "watch_failed"]
    assert [] == otlp.spans


def test_without_traces_no_header_is_asked_for(settings: Settings) -> None:
    """A task's headers are nobody's business then."""
    asked: list[str] = []
    without = settings.model_copy(update={"traces": False})
    with watched(without) as (watching, _), watching.around("record_pattern", "d", asked.append):
        pass
    assert [] == asked


def test_a_task_is_shown_the_commit_that_it_was_applied_by(settings: Settings, otlp: Otlp) -> None:
    """Also where a message without a task went to the quarantine in between."""
    messages = [RecordPattern(pattern_type="T", pattern_name=name) for name in ("one", "two")]
    ahead = [Delivered(each.KIND, each.content(), each.pattern_name) for each in messages]
    with watched(settings) as (watching, receiver):
        receiver.receive_ahead(ahead)
        receiver.reject(REFUSED, "", "")
        for each in ahead:
            with watching.around(each.kind, each.id, no_header):
                receiver.receive(*each)

    said = [(each.said["ostinato.messages"], each.said["ostinato.quarantined"]) for each in otlp.named("commit")]
    assert [(2, 0), (2, 0)] == said
    commits, tasks = otlp.named("commit"), otlp.named("apply record_pattern")
    assert {each.id for each in tasks} == {each.parent for each in commits}


def test_the_worker_ends_although_the_traces_are_never_answered(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not wait for the SDK, which waits for an answer and has been given long for that."""
    with create_server(("127.0.0.1", 0)) as deaf:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{deaf.getsockname()[1]}")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "20")
        watching = Watching(settings)
        watching.start(Receiver(Writer(settings.store_address), now, lambda _: False))
        with watching.around("record_pattern", "d", no_header):
            pass
        watching.stop()
        assert sdk_is_at_work()
    # Between its tries it draws random numbers, which Hypothesis takes for a test's own.
    wait_until(lambda: not sdk_is_at_work(), why="the SDK gives up")


def sdk_is_at_work() -> bool:
    """Whether the SDK still tries to send the last spans."""
    return any(each.name == "last-spans" for each in threads())
