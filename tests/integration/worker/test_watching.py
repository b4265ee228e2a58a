"""The observers of a worker: each works by itself, and none harms what it observes."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from socket import create_server
from threading import enumerate as threads
from typing import NoReturn
from urllib.request import urlopen

import pytest
from structlog.testing import capture_logs

from ostinato.messages.models import RecordPattern
from store.database.schema import migrate
from store.events import Rejected
from store.reading.store import Store
from store.writing.transaction import Writer
from tasks.receiver import RawDelivery, Receiver
from tests.servers.brokers import free_port
from tests.servers.otlp import Receiver as Otlp
from tests.waiting import wait_until
from worker.clock import now
from worker.observability.metrics.counting import Counting
from worker.observability.watching import Observers
from worker.settings import Settings

MESSAGES = [RecordPattern(pattern_type="T", pattern_name=name) for name in ("one", "two")]
REFUSED = Rejected(raw=b"no", reason_code="not_json", reason_detail="")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """With metrics and traces."""
    return Settings(home=tmp_path, broker_url="redis://127.0.0.1:1", traces=True, metrics_port=free_port())


@pytest.fixture
def otlp(monkeypatch: pytest.MonkeyPatch) -> Generator[Otlp]:
    """A server that takes the traces of this process."""
    with Otlp() as otlp:
        for name, value in otlp.env.items():
            monkeypatch.setenv(name, value)
        yield otlp


@contextmanager
def observed(settings: Settings) -> Generator[tuple[Observers, Receiver]]:
    """Running observers of a receiver that has a store."""
    observers = Observers(settings)
    migrate(settings.store_address)
    writer = Writer(settings.store_address, observer=observers.committed)
    receiver = Receiver(writer, now, lambda _: False)
    observers.start(receiver)
    yield observers, receiver
    observers.stop()
    writer.close()


def no_header(_name: str) -> None:
    """A task without headers."""


def test_an_observer_that_fails_changes_nothing(
    settings: Settings, otlp: Otlp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Messages are applied and not quarantined; traces and summary have them; the log has the error once."""

    def fail(*_: object) -> NoReturn:
        raise ZeroDivisionError

    monkeypatch.setattr(Counting, "count", fail)
    with capture_logs() as logs, observed(settings) as (observers, receiver):
        for each in MESSAGES:
            with observers.around(each.KIND, each.pattern_name, no_header):
                receiver.receive(each.KIND, each.content(), each.pattern_name)

    with Store(settings.store_address) as store:
        stats = store.stats()
    assert (2, 0, 0) == (stats.applied, stats.quarantined, stats.duplicates)
    assert [1, 1] == [commit.said["ostinato.messages"] for commit in otlp.named("commit")]
    assert ["metrics"] == [each["watch"] for each in logs if each["event"] == "watch_failed"]
    assert [2] == [each["applied"] for each in logs if each["event"] == "messages_handled"]


def test_a_message_is_applied_whose_task_cannot_be_traced(settings: Settings, otlp: Otlp) -> None:
    """Even if its headers cannot be read."""

    def header(name: str) -> object:
        raise LookupError(name)

    message = MESSAGES[0]
    with capture_logs() as logs, observed(settings) as (observers, receiver):
        with observers.around(message.KIND, "d", header):
            receiver.receive(message.KIND, message.content(), "d")
        with urlopen(f"http://127.0.0.1:{settings.metrics_port}/metrics") as answer:
            metrics = answer.read().decode()

    assert 'ostinato_messages_applied_total{kind="record_pattern"} 1.0' in metrics
    assert ["traces"] == [each["watch"] for each in logs if each["event"] == "watch_failed"]
    assert [] == otlp.spans


def test_without_traces_no_header_is_asked_for(settings: Settings) -> None:
    """The headers of a task are not read then."""
    asked: list[str] = []
    without = settings.model_copy(update={"traces": False})
    with observed(without) as (observers, _), observers.around("record_pattern", "d", asked.append):
        pass
    assert [] == asked


def test_a_task_is_shown_the_commit_that_it_was_applied_by(settings: Settings, otlp: Otlp) -> None:
    """Also if a message without a task went to the quarantine in between."""
    ahead = [RawDelivery(each.KIND, each.content(), each.pattern_name) for each in MESSAGES]
    with observed(settings) as (observers, receiver):
        receiver.receive_ahead(ahead)
        receiver.reject(REFUSED, "", "")
        for each in ahead:
            with observers.around(each.kind, each.id, no_header):
                receiver.receive(*each)

    said = [(each.said["ostinato.messages"], each.said["ostinato.quarantined"]) for each in otlp.named("commit")]
    assert [(2, 0), (2, 0)] == said
    commits, tasks = otlp.named("commit"), otlp.named("apply record_pattern")
    assert {each.id for each in tasks} == {each.parent for each in commits}


@pytest.mark.long
def test_the_worker_ends_although_the_traces_are_never_answered(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server accepts the connection and never answers; the exporter's own timeout is long."""
    with create_server(("127.0.0.1", 0)) as deaf:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{deaf.getsockname()[1]}")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "20")
        observers = Observers(settings)
        observers.start(Receiver(Writer(settings.store_address), now, lambda _: False))
        with observers.around("record_pattern", "d", no_header):
            pass
        observers.stop()
        assert sdk_is_at_work()
    # Between its tries it draws random numbers, which Hypothesis takes for a test's own.
    wait_until(lambda: not sdk_is_at_work(), why="the SDK gives up")


def sdk_is_at_work() -> bool:
    """Whether the SDK still tries to send the last spans."""
    return any(each.name == "last-spans" for each in threads())
