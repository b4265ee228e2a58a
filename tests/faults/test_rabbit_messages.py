"""Q2: RabbitMQ: messages that come twice, malformed ones of every layer, and one that ends every worker."""

import base64
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from amqp import Channel, Message

from ostinato.messages import models
from tests.faults.load import members
from tests.faults.rabbit_rig import DEAD, QUEUE, RabbitRig
from tests.faults.report import Record
from tests.forms import Scaled
from tests.samples.envelopes import Json, body, envelope, text, without
from tests.samples.malformed import ARGUMENTS, ENVELOPES, RAW, TEXTS
from tests.servers.rabbit import RabbitServer
from tests.waiting import ended, wait_until
from worker.broker.rabbitmq.queues import DELIVERY_LIMIT

MESSAGES = 1_000
GOOD_BETWEEN = 2
# What the parts of a message on RabbitMQ cannot be.
IMPOSSIBLE = {
    *("headers no object", "properties no object", "delivery info no object", "priority no number"),
    *("unknown body encoding", "body no base64", "body no text"),
}
# Larger than the server lets a header be.
UNSENDABLE = {"long header"}
Kept = tuple[str, bytes, str | None, str]
"""Reason code, body, content type, and the headers as JSON."""


def test_every_message_twice(rabbit_rig: RabbitRig, record: Record, scaled: Scaled) -> None:
    """Each counts once."""
    rig = rabbit_rig
    sent = [rig.stream().single() for _ in range(scaled(MESSAGES))]
    copies = sent * 2
    rig.random.shuffle(copies)
    sendings = counting(rig)
    with rig.worker():
        rig.send_all(*copies)
        verdict = rig.judge()
    record(rig.result("Q2 RabbitMQ, every message twice", verdict.redelivered, injected=len(sent)))
    assert {} == verdict.defects
    different = len({each.id for each in sent}) + 1
    assert different == verdict.applied + verdict.parked
    # Both are the same, unless the broker was slow to confirm a message, which was then sent again.
    assert len(copies) + 1 - different <= verdict.redelivered <= len(sendings) - different


def counting(rig: RabbitRig) -> list[models.Message]:
    """Every message that the rig tries to send from now on, the probe too."""
    sendings: list[models.Message] = []
    send = rig.send

    def noted(message: models.Message) -> None:
        sendings.append(message)
        send(message)

    rig.send = noted
    return sendings


def test_malformed_messages_of_every_layer(rabbit_rig: RabbitRig, record: Record) -> None:
    """Each is in the quarantine, whole and with its reason, and the worker has stayed the same process."""
    rig = rabbit_rig
    unfit = list(malformed())
    rig.random.shuffle(unfit)
    stream = rig.stream()
    with rig.worker() as worker, rig.server.connect() as connection:
        channel = connection.channel()
        for message, _ in unfit:
            rig.send_all(*stream.take(GOOD_BETWEEN))
            put(channel, message)
        wait_until(lambda: len(quarantined(rig)) >= len(unfit), why="all are in the quarantine")
        kept = Counter(kept_as(row) for row in quarantined(rig))
        for row in quarantined(rig):
            rig.ledger.note_unfit(bytes(row["raw"]))
        verdict = rig.judge()
        assert None is worker.poll()
    record(rig.result("Q2 RabbitMQ, malformed, among 2 good ones each", verdict.quarantined, injected=len(unfit)))
    assert Counter(expected for _, expected in unfit) == kept
    assert {} == verdict.defects


def test_a_message_that_ends_whoever_takes_it(rabbit_rig: RabbitRig, record: Record) -> None:
    """After the last delivery it is in the quarantine, and the one behind it is applied; sent again, it is too."""
    rig = rabbit_rig
    poison, next_one = rig.stream().take(2)
    rig.send_all(poison, next_one)
    for _ in range(DELIVERY_LIMIT):
        take_and_die(rig.server)
    armed = {"OSTINATO_TEST_POINT": "before BEGIN", "OSTINATO_TEST_PASS": "0"}
    with rig.worker("last", app="tests.faults.armed", env=armed) as last:
        ended(last)
    with rig.worker():
        wait_until(lambda: quarantined(rig), why="it is in the quarantine")
        (row,) = quarantined(rig)
        assert ("transport", "delivery_limit") == (row["source"], row["reason_code"])
        wait_until(lambda: rig.stored([str(next_one.id)]), why="the next is applied")
        assert set() == rig.stored([members(poison)[0]["id"]])
        assert 0 == rig.product.cli("quarantine", "replay", row["id"]).code
        rig.ledger.note_unfit(bytes(row["raw"]))
        verdict = rig.judge()
    record(rig.result("Q2 RabbitMQ, a message that ends workers", DELIVERY_LIMIT + 1, injected=DELIVERY_LIMIT + 1))
    assert {} == verdict.defects
    assert ["replayed"] == [each["state"] for each in quarantined(rig)]
    assert [0, 0] == [waiting for waiting, _ in rig.server.counts(QUEUE, DEAD)]


def take_and_die(server: RabbitServer) -> None:
    """Take the first message as a worker does, and end the connection without a word."""
    taken: list[Message] = []
    connection = server.connect()
    channel = connection.channel()
    channel.basic_qos(0, 1, a_global=False)
    channel.basic_consume(QUEUE, callback=taken.append)
    while not taken:
        connection.drain_events(timeout=5)
    connection.collect()


def malformed() -> Iterator[tuple[Message, Kept]]:
    """Every kind: what is sent, and what the quarantine must have of it."""
    for task, argument, code in TEXTS.values():
        raw = argument.encode(errors="surrogatepass")
        yield message_of(envelope(body([argument]), task=task)), (code, raw, None, "null")
    for args, kwargs in ARGUMENTS.values():
        raw = json.dumps([args, kwargs]).encode()
        yield message_of(envelope(body(args, kwargs))), ("wrong_arguments", raw, None, "null")
    for name, (whole, code) in ENVELOPES.items():
        if name not in IMPOSSIBLE:
            yield from both(message_of(whole), code)
    for name, (raw, _) in RAW.items():
        if name not in UNSENDABLE:
            yield from both(Message(raw), "envelope_headers")
    good: Json = message_of(envelope(body([text()]))).properties
    yield from both(Message(b"x" * 5_000_000, **good), "envelope_too_large")
    yield from both(Message(body([text()]), **good | {"expiration": "1"}), "dead_letter")
    yield from both(Message(body([text()]), **good | {"content_type": "\udcff"}), "envelope_content_type")
    unreadable = Message(body([text()]).encode(), content_type=b"\xff")
    yield unreadable, ("unknown_task", body_of(unreadable), None, json.dumps({"unreadable": "800001ff"}))
    deep = Deep(body([text()]))
    yield deep, ("unknown_task", body_of(deep), None, json.dumps({"unreadable": deep.written.hex()}))


class Deep(Message):
    """A message with tables in tables: py-amqp can still read them, and Python's JSON no longer write them."""

    written = b""
    for _ in range(600):
        written = b"\x01aF" + len(written).to_bytes(4) + written
    written = b"\x20\x00" + len(written).to_bytes(4) + written

    def _serialize_properties(self) -> bytes:
        return self.written


def both(message: Message, code: str) -> Iterator[tuple[Message, Kept]]:
    """A message, and what is kept of the whole of it."""
    headers: Json | None = message.properties.get("application_headers")
    yield message, (code, body_of(message), message.properties.get("content_type"), json.dumps(headers, sort_keys=True))


def body_of(message: Message) -> bytes:
    """The bytes of the body."""
    sent: str | bytes = message.body
    return sent.encode() if isinstance(sent, str) else sent


def message_of(whole: Json) -> Message:
    """An envelope as RabbitMQ has it: its parts apart."""
    properties = without(whole["properties"], "delivery_info", "body_encoding", "delivery_tag")
    parts = {
        "content_type": whole.get("content-type"),
        "content_encoding": whole.get("content-encoding"),
        "application_headers": whole.get("headers"),
    }
    return Message(
        base64.b64decode(whole.get("body", "")), **properties, **{k: v for k, v in parts.items() if v is not None}
    )


def put(channel: Channel, message: Message) -> None:
    """Send a message to the queue, confirmed."""
    channel.basic_publish(message, routing_key=QUEUE, mandatory=True, confirm_timeout=10)


def quarantined(rig: RabbitRig) -> Sequence[dict[str, Any]]:
    """What is in the quarantine."""
    return rig.select("SELECT id, source, reason_code, raw, state FROM quarantine")


def kept_as(row: dict[str, Any]) -> Kept:
    """What is kept of a message; of a text there is nothing but itself."""
    raw = bytes(row["raw"])
    if row["source"] != "transport":
        return row["reason_code"], raw, None, "null"
    whole = json.loads(raw)
    headers = json.dumps(whole["headers"], sort_keys=True)
    return row["reason_code"], base64.b64decode(whole["body"]), whole["content-type"], headers
