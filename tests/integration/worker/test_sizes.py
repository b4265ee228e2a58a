"""What the embedded broker takes: the largest batch there can be, nothing that is larger, and so much in all."""

import pytest

from ostinato.errors import BrokerUnavailable
from ostinato.messages.models import ApplyBatch, RecordPattern
from ostinato.messages.routing import QUEUE
from ostinato.messages.wire import BATCH_BYTES
from ostinato.publishing.publisher import producer_app, publish, publish_text
from tests.product import Product

COUNT = 26
SERVER_BYTES = 4 * 1024 * 1024
# Two bytes as JSON, and eight on the wire.
LETTER = "é"


def batch_of(*descriptions: str) -> ApplyBatch:
    """A batch of sightings with these descriptions."""
    return ApplyBatch(messages=[sighting(number, each) for number, each in enumerate(descriptions)])


def largest_batch() -> ApplyBatch:
    """A batch of which one more letter would be too large."""
    left = BATCH_BYTES - len(batch_of(*[LETTER] * COUNT).content().encode())
    each, rest = divmod(left, 2 * COUNT)
    return batch_of(*[LETTER * (1 + each)] * (COUNT - 1), LETTER * (1 + each) + "x" * rest)


def sighting(number: int, description: str) -> RecordPattern:
    """One of its messages."""
    return RecordPattern(pattern_type="test", pattern_name=f"number {number}", description=description)


def test_the_largest_batch_passes(embedded: Product) -> None:
    """To the byte: 512 kB of a text that grows fourfold on its way."""
    batch = largest_batch()
    assert BATCH_BYTES == len(batch.content().encode())
    embedded.send(batch)
    [raw] = embedded.client.lrange(QUEUE, 0, -1)
    assert 3.9 * BATCH_BYTES < len(raw) < SERVER_BYTES
    with embedded.worker():
        assert 0 == embedded.wait_for(applied=COUNT).quarantined


def test_what_is_larger_than_any_message_is_refused_by_the_server(embedded: Product) -> None:
    """By a producer that does not check: an error that says so, nothing on the queue, and the next message passes."""
    app = producer_app(embedded.settings)
    with pytest.raises(BrokerUnavailable, match=r"The broker did not take the message"):
        publish_text(app, "record_pattern", "x" * SERVER_BYTES, summary="too large")
    assert 0 == embedded.client.llen(QUEUE)
    publish(app, sighting(1, "small"))
    assert 1 == embedded.client.llen(QUEUE)
    app.close()


@pytest.mark.long
def test_the_brokers_memory_is_the_settings(alone: Product) -> None:
    """What happens when it is full is tested with the transport."""
    with alone.up(env={"OSTINATO_BROKER_MEMORY": "8mb"}):
        alone.wait_for(applied=1)
        assert {"maxmemory": "8388608"} == alone.client.config_get("maxmemory")
