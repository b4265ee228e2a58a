"""Traces from a producer to the commit, as a server gets them that takes OTLP over HTTP."""

import sys
from collections.abc import Generator

import pytest

from ostinato.messages.models import RecordPattern
from store.database.schema import migrate
from tests.product import Product
from tests.servers.brokers import EmbeddedValkey
from tests.servers.otlp import Receiver, Seen
from tests.waiting import ended, wait_until

SET_UP = """
import sys
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("the application")
"""
DELAY = f"""{SET_UP}
from ostinato import record_pattern
for name in sys.argv[1:]:
    with tracer.start_as_current_span("request"):
        record_pattern.delay(pattern_type="T", pattern_name=name)
"""
OUTBOX = f"""{SET_UP}
from ostinato import Producer
with Producer() as producer:
    for name in sys.argv[1:]:
        with tracer.start_as_current_span("request"):
            producer.record_pattern(pattern_type="T", pattern_name=name)
    producer.flush(600)
"""
ON = {"OSTINATO_TRACES": "true"}


@pytest.fixture
def receiver() -> Generator[Receiver]:
    """A server that takes the traces."""
    with Receiver() as receiver:
        yield receiver


def path(spans: list[Seen], last: Seen) -> list[str]:
    """The names of the spans that lead to one, from the first."""
    by_id = {span.id: span for span in spans}
    names = [last.name]
    while last.parent:
        last = by_id[last.parent]
        names.insert(0, last.name)
    return names


def run(product: Product, receiver: Receiver, script: str, *names: str) -> None:
    """Run a producer to its end."""
    finished = product.run(sys.executable, "-c", script, *names, env=receiver.env)
    assert (0, "") == (finished.code, finished.err)


def test_delay_is_one_trace_to_the_commit(product: Product, receiver: Receiver) -> None:
    """Each message has its own, also if several share a commit; its span then has their number."""
    run(product, receiver, DELAY, "one", "two", "three")
    with product.worker(env=receiver.env | ON):
        product.wait_for(applied=3)
        wait_until(lambda: len(receiver.named("commit")) == 3, why="every commit is seen")

    commits = receiver.named("commit")
    way = ["request", "send record_pattern", "apply record_pattern", "commit"]
    assert [way] * 3 == [path(receiver.spans, commit) for commit in commits]
    assert 3 == len({commit.trace for commit in commits})
    assert {3} == {commit.said["ostinato.messages"] for commit in commits}
    assert {"ostinato-worker"} == {commit.service for commit in commits}


def test_an_outbox_is_on_the_way(embedded: Product, receiver: Receiver) -> None:
    """One message: the same trace from the call that recorded it to its commit."""
    with embedded.worker(env=receiver.env | ON):
        run(embedded, receiver, OUTBOX, "one")
        wait_until(lambda: receiver.named("commit"), why="the commit is seen")

    (commit,) = receiver.named("commit")
    expected = ["request", "record record_pattern", "send record_pattern", "apply record_pattern", "commit"]
    assert expected == path(receiver.spans, commit)


def test_a_batch_goes_on_with_one_trace_and_has_links_to_the_others(alone: Product, receiver: Receiver) -> None:
    """Messages that waited in the outbox together, while there was no broker, are sent and applied together."""
    migrate(alone.settings.store_address)
    env = alone.env | receiver.env
    with alone.start("producer", sys.executable, "-c", OUTBOX, "one", "two", "three", env=env) as producer:
        wait_until(lambda: len(receiver.named("request")) == 3, why="all three are recorded")
        with EmbeddedValkey(alone.home), alone.worker(env=receiver.env | ON):
            alone.wait_for(applied=3)
            wait_until(lambda: receiver.named("commit"), why="the commit is seen")
            assert 0 == ended(producer)

    (commit,) = receiver.named("commit")
    assert ["request", "record record_pattern", "send apply_batch", "apply apply_batch", "commit"] == path(
        receiver.spans, commit
    )
    (sent,) = receiver.named("send apply_batch")
    requests = {span.trace for span in receiver.named("request")}
    assert requests == {sent.trace, *sent.links}


def test_without_the_setting_there_is_no_trace(embedded: Product, receiver: Receiver) -> None:
    """The variables OTEL_… alone change nothing, and neither do a producer's headers."""
    run(embedded, receiver, DELAY, "one")
    with embedded.worker(env=receiver.env) as worker:
        embedded.wait_for(applied=1)
        assert 0 == worker.stop()

    assert {"request", "send record_pattern"} == {span.name for span in receiver.spans}


def test_a_message_without_a_trace_begins_one(embedded: Product, receiver: Receiver) -> None:
    """With the worker's task."""
    embedded.send(RecordPattern(pattern_type="T", pattern_name="n"))
    with embedded.worker(env=receiver.env | ON):
        wait_until(lambda: receiver.named("commit"), why="the commit is seen")

    (commit,) = receiver.named("commit")
    assert ["apply record_pattern", "commit"] == path(receiver.spans, commit)


def test_without_a_server_no_message_is_lost(embedded: Product, receiver: Receiver) -> None:
    """Spans are dropped, messages are applied, and the worker ends when it is told to."""
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_TIMEOUT": "1"}
    embedded.send(RecordPattern(pattern_type="T", pattern_name="n"))
    with embedded.worker(env=env | ON) as worker:
        embedded.wait_for(applied=1)
        assert 0 == worker.stop()
    assert [] == receiver.spans
