"""M2: malformed messages of every layer, each among good ones, put on the queue as bytes."""

import json
from collections.abc import Iterator

import pytest
from redis.exceptions import RedisError

from tests.faults import flight
from tests.faults.ledger import Outcome
from tests.faults.report import Record
from tests.faults.rig import Rig
from tests.samples.envelopes import Json, body, envelope, without
from tests.samples.malformed import ARGUMENTS, ENVELOPES, RAW, TEXTS

GOOD_BETWEEN = 20
QUEUE = "ostinato"


def test_malformed_messages_of_every_layer(rig: Rig, record: Record) -> None:
    """Each is in the quarantine, byte for byte, and the worker has stayed the same process; a hit is one that is."""
    unfit = list(malformed())
    rig.random.shuffle(unfit)
    stream = rig.stream()
    with rig.worker() as worker:
        for item, kept in unfit:
            rig.send_all(*stream.take(GOOD_BETWEEN))
            rig.product.client.lpush(QUEUE, item)
            rig.ledger.note_unfit(kept)
        verdict = rig.judge()
        assert None is worker.poll()
    record(rig.result("M2 malformed, among 20 good ones each", verdict.quarantined, injected=len(unfit)))
    assert {} == verdict.defects
    assert len(unfit) == verdict.quarantined


@pytest.mark.parametrize("megabytes", [5, 20])
def test_what_is_too_large_for_any_message_is_refused_by_the_broker(rig: Rig, megabytes: int) -> None:
    """So it costs neither the broker's memory nor the worker's."""
    huge = json.dumps(envelope(body(["{}"]), argsrepr="x" * megabytes * 1_000_000)).encode()
    with rig.worker():
        with pytest.raises(RedisError):
            rig.product.client.lpush(QUEUE, huge)
        assert {} == rig.judge().defects


@pytest.mark.parametrize("tag", [None, 7, [], "the same for all"])
def test_delivery_tags_are_nobodys_business(rig: Rig, tag: object) -> None:
    """A message whose tag is missing, of another type or that of another message is applied like any other."""
    stream = rig.stream()
    with rig.worker():
        for message in stream.take(5):
            whole = envelope(body([message.content()]), task=message.KIND)
            item = json.dumps(tagged(whole, tag)).encode()
            rig.product.client.lpush(QUEUE, item)
            rig.ledger.note(Outcome.OK, *flight.messages_in(item))
        assert {} == rig.judge().defects


def malformed() -> Iterator[tuple[bytes, bytes]]:
    """Every kind: what is put on the queue, and what the quarantine must have of it."""
    for task, text, _ in TEXTS.values():
        yield json.dumps(envelope(body([text]), task=task)).encode(), text.encode(errors="surrogatepass")
    for args, kwargs in ARGUMENTS.values():
        yield json.dumps(envelope(body(args, kwargs))).encode(), json.dumps([args, kwargs]).encode()
    raw = [*(json.dumps(each).encode() for each, _ in ENVELOPES.values()), *(each for each, _ in RAW.values())]
    yield from zip(raw, raw, strict=True)


def tagged(whole: Json, tag: object) -> Json:
    """An envelope with this delivery tag; None: without one."""
    rest = without(whole["properties"], "delivery_tag")
    return whole | {"properties": rest if tag is None else rest | {"delivery_tag": tag}}
