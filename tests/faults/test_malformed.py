"""M2: malformed messages of every layer, each among good ones, put on the queue as bytes."""

import pytest

from ostinato.messages.routing import QUEUE
from tests.faults.report import Record
from tests.faults.rig import Rig
from tests.samples.malformed import unfit

GOOD_BETWEEN = 20


@pytest.mark.long
def test_malformed_messages_of_every_layer(rig: Rig, record: Record) -> None:
    """Each is in the quarantine, byte for byte, and the worker has stayed the same process; a hit is one that is."""
    bad = list(unfit().values())
    rig.random.shuffle(bad)
    stream = rig.stream()
    with rig.worker() as worker:
        for each in bad:
            rig.send_all(*stream.take(GOOD_BETWEEN))
            rig.product.client.lpush(QUEUE, each.item)
            rig.ledger.note_unfit(each.raw)
        verdict = rig.judge()
        assert None is worker.poll()
    record(rig.result("M2 malformed, among 20 good ones each", verdict.quarantined, injected=len(bad)))
    assert {} == verdict.defects
    assert len(bad) == verdict.quarantined
