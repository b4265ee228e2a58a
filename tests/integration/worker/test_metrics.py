"""A real worker's metrics, as a Prometheus server gets them: every number is that of what was sent."""

import json
import os
import signal
import time
import urllib.request
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ostinato import Producer
from ostinato.identity import pattern_id
from ostinato.messages.models import (
    ApplyBatch,
    Message,
    RecalculateAllPatternPriorities,
    RecordPattern,
    RecordPatternApplication,
    SoftDeletePattern,
)
from ostinato.outbox.file import Outbox
from ostinato.publishing.publisher import producer_app, publish_text
from store.database.schema import migrate
from tests.integration.worker.test_interruptions import locked
from tests.product import Product
from tests.servers.brokers import EmbeddedValkey, free_port
from tests.waiting import SECONDS, ended, wait_until
from worker.observability.metrics.declared import COUNTED, METRICS

LATE = 120.0
MERGING = ("not created", "not_created.")


class Serving:
    """A worker with a port for its metrics."""

    def __init__(self, product: Product, name: str = "worker", **env: str) -> None:
        self.port = free_port()
        self.product = product
        self.child = product.worker(name, env={"OSTINATO_METRICS_PORT": str(self.port), **env})

    def text(self) -> str:
        """The page."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=SECONDS) as answer:
            return str(answer.read().decode())

    def values(self) -> Mapping[tuple[str, ...], float]:
        """Every value, by its name and the values of its labels."""
        families = [*text_string_to_metric_families(self.text())]
        return {(each.name, *each.labels.values()): each.value for family in families for each in family.samples}

    def value(self, *key: str) -> float | None:
        """One value; None while it is not there."""
        try:
            return self.values().get(key)
        except OSError:
            return None

    def wait_for(self, value: float, *key: str) -> None:
        """Return once this is the value."""
        wait_until(lambda: self.value(*key) == value, why=f"{key} is {value}")


@contextmanager
def serving(product: Product, name: str = "worker", **env: str) -> Generator[Serving]:
    """A worker with a port, which answers there."""
    worker = Serving(product, name, **env)
    with worker.child:
        wait_until(lambda: worker.value("ostinato_broker_up") is not None, why="it serves")
        yield worker


def sightings(*names: str) -> list[RecordPattern]:
    """A sighting of each."""
    return [RecordPattern(pattern_type="T", pattern_name=name) for name in names]


def everything() -> Sequence[Message]:
    """One of each kind: a merge, a batch, a duplicate, one that waits for a while, one that keeps waiting."""
    ago = datetime.now(UTC) - timedelta(seconds=LATE)
    one = RecordPattern(pattern_type="T", pattern_name="one", occurred_at=ago)
    early = RecordPatternApplication(pattern_id=pattern_id("T", "x"), execution_id="e", pattern_led_to_success=True)
    lost = SoftDeletePattern(pattern_id="nobody")
    return [one, early, lost, ApplyBatch(messages=sightings("x", *MERGING)), one, one]


SENT = {
    ("ostinato_messages_applied_total", "record_pattern"): 4,
    ("ostinato_messages_applied_total", "record_pattern_application"): 1,
    ("ostinato_messages_applied_total", "soft_delete_pattern"): 0,
    ("ostinato_messages_duplicate_total",): 2,
    ("ostinato_patterns_merged_total",): 1,
    ("ostinato_messages_parked_total", "record_pattern_application"): 1,
    ("ostinato_messages_parked_total", "soft_delete_pattern"): 1,
    ("ostinato_messages_quarantined_total", "id_reuse"): 1,
    ("ostinato_messages_quarantined_total", "not_json"): 1,
    ("ostinato_lag_seconds_count",): 4,
    ("ostinato_transaction_messages_sum",): 10,
    ("ostinato_store_available",): 1,
    ("ostinato_store_messages", "applied"): 5,
    ("ostinato_store_messages", "duplicates"): 2,
    ("ostinato_store_messages", "merges"): 1,
    ("ostinato_store_parked_messages",): 1,
    ("ostinato_store_quarantined_messages", "id_reuse"): 1,
    ("ostinato_store_quarantined_messages", "not_json"): 1,
    ("ostinato_broker_up",): 1,
    ("ostinato_queue_messages", "0"): 0,
    ("ostinato_queue_workers", "0"): 1,
    ("ostinato_outbox_up",): 1,
    ("ostinato_outbox_messages",): 0,
}


def send_everything(product: Product) -> None:
    """Send `everything`, a text that is not JSON, and another message with an id that was used."""
    messages = everything()
    product.send(*messages)
    publish_text(app := producer_app(product.settings), "record_pattern", "{", summary="no JSON")
    app.close()
    product.send(messages[0].model_copy(update={"pattern_name": "other"}))


def check_everything(worker: Serving, began: float) -> None:
    """The page says what was sent, and since when, in seconds since 1970."""
    worker.product.wait_for(applied=5, quarantined=2, duplicates=2)
    worker.wait_for(1, "ostinato_queue_workers", "0")
    worker.wait_for(0, "ostinato_queue_messages", "0")
    found = worker.values()
    assert SENT == {key: found.get(key) for key in SENT}
    assert LATE <= found[("ostinato_lag_seconds_sum",)]
    assert found[("ostinato_transaction_seconds_count",)] == found[("ostinato_transaction_messages_count",)]
    for name in ("ostinato_last_applied_timestamp_seconds", "ostinato_store_parked_oldest_timestamp_seconds"):
        assert began <= found[(name,)] <= time.time()


def test_every_number_is_that_of_what_was_sent(product: Product) -> None:
    """Also if messages share a commit: they wait on the broker before the worker begins."""
    began = time.time()
    send_everything(product)
    with serving(product) as worker:
        check_everything(worker, began)
        assert 1 == worker.value("ostinato_transaction_seconds_count")


def test_rabbitmq(at_rabbit: Product) -> None:
    """The same numbers, from a worker that applies each message alone."""
    with serving(at_rabbit) as worker:
        worker.wait_for(1, "ostinato_queue_workers", "0")
        began = time.time()
        send_everything(at_rabbit)
        check_everything(worker, began)
        assert 8 == worker.value("ostinato_transaction_messages_count")


def test_only_what_is_declared_is_served(embedded: Product) -> None:
    """Besides the process metrics of Prometheus's client."""
    with serving(embedded) as worker:
        families = {family.name for family in text_string_to_metric_families(worker.text())}

    ours = {name.removesuffix("_created") for name in families if not name.startswith("process_")}
    assert {each.name for each in COUNTED} < ours <= {each.name for each in METRICS}


def test_a_killed_worker_counts_from_zero_and_the_store_does_not(embedded: Product) -> None:
    """After kill -9 the next worker reports what it applies itself; the store's own numbers go on."""
    with serving(embedded) as first:
        embedded.send(*sightings("one", "two"))
        embedded.wait_for(applied=2)
        first.wait_for(2, "ostinato_messages_applied_total", "record_pattern")
        os.kill(first.child.pid, signal.SIGKILL)
    with serving(embedded) as second:
        embedded.send(*sightings("three"))
        embedded.wait_for(applied=3)
        second.wait_for(1, "ostinato_messages_applied_total", "record_pattern")
        assert 3 == second.value("ostinato_store_messages", "applied")


def test_a_recalculation_is_timed_and_dated(embedded: Product) -> None:
    """By the worker that did it, and by the store."""
    began = time.time()
    with serving(embedded) as worker:
        assert None is worker.value("ostinato_store_recalculated_timestamp_seconds")
        embedded.send(RecalculateAllPatternPriorities())
        worker.wait_for(1, "ostinato_recalculation_seconds_count")
        at = worker.value("ostinato_store_recalculated_timestamp_seconds")
        assert at is not None
        assert began <= at <= time.time()


def test_without_a_broker_the_page_comes(alone: Product) -> None:
    """It says that the broker is away, and what waits in the outboxes for it; and when it is back."""
    migrate(alone.settings.store_address)
    with Producer(alone.settings) as producer, serving(alone) as worker:
        producer.record_pattern(pattern_type="T", pattern_name="n")
        worker.wait_for(1, "ostinato_outbox_messages")
        found = worker.values()
        assert (0, 1) == (found[("ostinato_broker_up",)], found[("ostinato_store_available",)])
        assert not [key for key in found if key[0].startswith("ostinato_queue_")]
        with EmbeddedValkey(alone.home):
            alone.wait_for(applied=1)
            worker.wait_for(1, "ostinato_broker_up")
            worker.wait_for(0, "ostinato_outbox_messages")


def test_looking_into_an_outbox_locks_it_for_no_process(embedded: Product) -> None:
    """Not even for a moment: a producer that starts just then would make another file."""
    folder = embedded.settings.outbox_folder
    folder.mkdir()
    with closing(Outbox(folder / "1.db")) as outbox, serving(embedded) as worker:
        outbox.add("id", "kind", "{}", limit=10**9)
        worker.wait_for(1, "ostinato_outbox_messages")
        assert [] == list(folder.glob("*.lock"))


def test_while_a_message_waits_for_the_store_it_is_not_available(embedded: Product) -> None:
    """Although it can be read: another process holds the lock."""
    with serving(embedded) as worker:
        embedded.send(*sightings("one"))
        embedded.wait_for(applied=1)
        with locked(embedded):
            embedded.send(*sightings("two"))
            worker.wait_for(0, "ostinato_store_available")
            assert 0 == worker.value("ostinato_store_parked_messages")
        worker.wait_for(1, "ostinato_store_available")
        worker.wait_for(2, "ostinato_messages_applied_total", "record_pattern")


def test_a_port_in_use_is_a_sentence(embedded: Product) -> None:
    """The worker ends at its start, with exit code 1."""
    with serving(embedded) as first:
        second = embedded.worker("second", env={"OSTINATO_METRICS_PORT": str(first.port)})
        assert 1 == ended(second)
        assert f"cannot be served at 127.0.0.1:{first.port}" in embedded.log("second")
        assert "Traceback" not in embedded.log("second")


def test_the_port_is_closed_with_the_worker(embedded: Product) -> None:
    """The next worker can have it at once; each says at its end what it did."""
    with serving(embedded) as worker:
        embedded.send(*sightings("one"))
        embedded.wait_for(applied=1)
        assert 0 == worker.child.stop()
    with pytest.raises(OSError, match="refused"):
        worker.text()
    lines = [json.loads(line) for line in embedded.log("worker").splitlines() if line.startswith("{")]
    assert [(1, 1, 0)] == [
        (line["transactions"], line["applied"], line["quarantined"])
        for line in lines
        if line["event"] == "messages_handled"
    ]
