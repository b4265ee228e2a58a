"""M1: every message several times, in any order, alone and in batches; and ids that are used for other content."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from random import Random

from ostinato.messages.models import ApplyBatch, Message, RecordPattern
from tests.faults.load import BatchMember, Stream, members
from tests.faults.report import Record
from tests.faults.rig import Rig
from tests.forms import Scaled
from tests.model.serial import comparable

MESSAGES = 10_000
MOST_COPIES = 5
SHARE_OF_REUSED = 0.02
BATCH = 50


def test_every_message_several_times_in_any_order(rig: Rig, record: Record, scaled: Scaled) -> None:
    """Each counts once, however often it came; of two messages with one id, one counts and the other is kept."""
    stream = rig.stream()
    sent = [stream.single() for _ in range(scaled(MESSAGES))]
    sent += [reused(stream, each) for each in sent if rig.random.random() < SHARE_OF_REUSED]
    copies = [each for each in sent for _ in range(rig.random.randint(1, MOST_COPIES))]
    rig.random.shuffle(copies)
    with rig.worker():
        rig.send_all(*dealt(copies, rig.random))
        verdict = rig.judge()
    record(rig.result("M1 every message 1 to 5 times, shuffled", verdict.redelivered, injected=len(copies) - len(sent)))
    assert {} == verdict.defects
    assert scaled(MESSAGES) + 1 == verdict.applied + verdict.parked
    assert repeated(rig, copies) == verdict.redelivered


def reused(stream: Stream, message: BatchMember) -> RecordPattern:
    """Another message with the same id."""
    return stream.sighting().model_copy(update={"id": message.id})


def dealt(copies: Sequence[BatchMember], random: Random) -> Iterator[Message]:
    """The messages in this order, alone and in batches of any size."""
    at = 0
    while at < len(copies):
        size = random.choice((1, 2, BATCH, BATCH, BATCH))
        together = copies[at : at + size]
        yield together[0] if size == 1 else ApplyBatch(messages=[*together])
        at += size


def repeated(rig: Rig, copies: Sequence[BatchMember]) -> int:
    """How many deliveries were of a message that had been applied before."""
    came = Counter(comparable(members(each)[0]) for each in copies)
    applied = (comparable(json.loads(row["content"])) for row in rig.select("SELECT content FROM inbox"))
    return sum(came[text] - 1 for text in applied if text in came)
