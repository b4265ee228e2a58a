"""Celery's own variables in the environment, which are for another application, change nothing."""

import sys
from pathlib import Path

import pytest

from ostinato.messages.models import RecordPattern
from store.database.schema import migrate
from tests.product import Product
from tests.servers.brokers import EmbeddedValkey

OTHERS = {
    "CELERY_BROKER_URL": "redis://127.0.0.1:1/0",
    "CELERY_BROKER_READ_URL": "redis://127.0.0.1:1/0",
    "CELERY_BROKER_WRITE_URL": "redis://127.0.0.1:1/0",
    "CELERY_RESULT_BACKEND": "no.such.module:Backend",
    "CELERY_CONFIG_MODULE": "no.such.module",
}
PRODUCERS = """
from ostinato import Producer, record_pattern
record_pattern.delay(pattern_type="test", pattern_name="sent at once")
with Producer() as producer:
    producer.record_pattern(pattern_type="test", pattern_name="sent by the outbox")
"""


@pytest.mark.long
def test_worker_and_producers_use_our_broker(home: Path) -> None:
    """Both ways to send in Python, the command line, beat, and the worker that gets it all."""
    with EmbeddedValkey(home), Product(home) as product:
        migrate(product.settings.store_address)
        line = RecordPattern(pattern_type="test", pattern_name="sent as a line").content()
        assert 0 == product.ostinato("send", "-", stdin=line, env=OTHERS).code
        assert (0, "") == product.run(sys.executable, "-c", PRODUCERS, env=OTHERS)[::2]
        with product.beat(env=OTHERS), product.worker(env=OTHERS):
            product.wait_for(applied=4)
