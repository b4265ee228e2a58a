"""Messages on their way from producers to the store, through a real broker and real workers."""

import json
import sys
from collections import Counter

from ostinato.messages.models import ApplyBatch, RecordPattern
from ostinato.messages.wire import BATCH_BYTES
from ostinato.publishing.publisher import producer_app, publish_text
from store.database.tables import inbox, quarantine
from tests.product import Product
from tests.samples.envelopes import text
from tests.waiting import ended

OURS = """
import sys
from ostinato import record_pattern
for number in range(int(sys.argv[2])):
    record_pattern.delay(pattern_type="test", pattern_name=f"{sys.argv[1]} {number % 10}")
"""

FOREIGN = """
import sys
from celery import Celery
app = Celery(broker=sys.argv[1])
app.send_task("record_pattern", args=[sys.argv[2]], queue="ostinato")
loaded = {name.partition(".")[0] for name in sys.modules} & {"tasks", "worker", "store"}
sys.exit(f"loaded {loaded}" if loaded else 0)
"""


def test_worker_applies_what_delay_sends(product: Product) -> None:
    """A producer imports `tasks`; the plain `celery` command, in an unrelated folder, makes the store and applies."""
    assert 0 == product.run(sys.executable, "-c", OURS, "ours", "3").code
    with product.worker() as worker:
        stats = product.wait_for(applied=3)
        assert 0 == worker.stop()
    assert (3, 3, 0) == (stats.patterns, stats.sightings, stats.quarantined)
    assert [[], []] == [list(folder.iterdir()) for folder in (product.elsewhere, product.user)]


def test_worker_says_once_that_remote_control_is_off(embedded: Product) -> None:
    """And what answers instead: `celery inspect` is what Celery's users type first."""
    with embedded.worker() as worker:
        embedded.wait_for_workers(1)
        worker.stop()
    records = [json.loads(line) for line in embedded.log("worker").splitlines() if line.startswith("{")]
    [said] = [each for each in records if each["event"] == "remote_control_off"]
    assert ("info", True) == (said["level"], "`ostinato status`" in said["detail"])


def test_worker_applies_what_a_foreign_application_sends(product: Product) -> None:
    """A Celery application that knows nothing of ours names task and queue, and sends the message as one JSON text."""
    message = {
        "kind": "record_pattern",
        "id": "0190a6d2-7c00-7000-8000-000000000001",
        "occurred_at": "2026-01-31T12:00:00Z",
        "pattern_type": "test",
        "pattern_name": "foreign",
    }
    address = product.settings.broker_address
    assert 0 == product.run(sys.executable, "-c", FOREIGN, address, json.dumps(message)).code
    with product.worker():
        product.wait_for(applied=1)
    [pattern] = product.store.patterns()
    assert "foreign" == pattern.pattern_name


def test_repeated_message_has_its_effect_once(product: Product) -> None:
    """Sent three times, it counts once, and twice as a duplicate; another content under its id is quarantined."""
    message = RecordPattern(pattern_type="test", pattern_name="repeated")
    other = message.model_copy(update={"pattern_name": "other"})
    product.send(message, message, message, other)
    with product.worker():
        stats = product.wait_for(quarantined=1)
    assert (1, 2, 1) == (stats.applied, stats.duplicates, stats.sightings)
    [row] = product.rows(quarantine)
    assert ("id_reuse", other.content()) == (row["reason_code"], row["raw"].decode())


def test_bad_message_of_a_batch_costs_only_itself(embedded: Product) -> None:
    """Those before and after it are applied; it alone is in the quarantine, as it stood in the batch."""
    members = [text(pattern_name=name) for name in ("before", "", "after")]
    batch = json.loads(ApplyBatch(messages=[RecordPattern(pattern_type="test", pattern_name="x")]).content())
    whole = json.dumps({**batch, "messages": [json.loads(member) for member in members]})
    publish_text(producer_app(embedded.settings), "apply_batch", whole, summary="3 messages")
    with embedded.worker():
        stats = embedded.wait_for(applied=2, quarantined=1)
    assert 2 == stats.patterns
    [row] = embedded.rows(quarantine)
    assert "pattern_name_length" == row["reason_code"]
    assert json.loads(members[1]) == json.loads(row["raw"])


def test_largest_batch_passes_in_any_script(product: Product) -> None:
    """A batch within its limit goes through the broker, also where JSON writes every letter as an escape."""
    messages = [RecordPattern(pattern_type="test", pattern_name=f"é {n}", description="é" * 9_500) for n in range(26)]
    batch = ApplyBatch(messages=messages)
    assert BATCH_BYTES * 0.95 < len(batch.content().encode()) <= BATCH_BYTES
    product.send(batch)
    with product.worker():
        product.wait_for(applied=len(messages))


def test_two_workers_and_two_producers_share_a_queue(embedded: Product) -> None:
    """With any distribution of the messages, every id is applied once, and every sighting counts."""
    producers = [embedded.start(name, sys.executable, "-c", OURS, name, "750") for name in ("left", "right")]
    with embedded.worker("first") as first, embedded.worker("second") as second:
        embedded.wait_for_workers(2)
        assert [0, 0] == [ended(producer) for producer in producers]
        stats = embedded.wait_for(applied=1500)
        assert [0, 0] == [first.stop(), second.stop()]
    assert (1500, 0, 0, 0) == (stats.sightings, stats.duplicates, stats.parked, stats.quarantined)
    assert {1} == set(Counter(row["message_id"] for row in embedded.rows(inbox)).values())
    assert {75} == {pattern.occurrence_count for pattern in embedded.store.patterns()}
