"""A store that has lived: the sample's messages, as if they had been sent over many days."""

from contextlib import closing
from datetime import datetime, timedelta
from random import Random

from ostinato.messages.models import Message, RecalculateAllPatternPriorities
from ostinato.messages.wire import encode, read_line, read_recorded
from ostinato.times import to_micros
from store.database.schema import migrate
from store.events import Effect, Rejected
from store.writing.applying import apply
from store.writing.recalculation import recalculate
from store.writing.transaction import Writer
from tasks import events
from worker.cli.demo.sample import sample_lines

_TOGETHER = 200
REFUSED = (("not_json", 3), ("pattern_name_length", 1))


def live(url: str, *, upto: datetime, days: int = 60) -> None:
    """Make a store that was told the sample over so many days until then, and was recalculated at their end.

    Twelve messages are parked, and four are in the quarantine. The same each time.
    """
    migrate(url)
    random, lines = Random(7), list(sample_lines())  # noqa: S311 - no secret
    # More happens on some days than on others.
    ages = sorted((random.betavariate(1.1, 1.3) * days for _ in lines), reverse=True)
    said = [
        read_line(line).model_copy(update={"occurred_at": upto - timedelta(days=age)})
        for line, age in zip(lines, ages, strict=True)
    ]
    with closing(Writer(url)) as writer:
        for place in range(0, len(said), _TOGETHER):
            some = said[place : place + _TOGETHER]
            then = to_micros(some[-1].occurred_at)
            with writer.transaction(lambda then=then: then) as transaction:
                apply(transaction, [_event(each) for each in some], task="apply_batch", delivery=str(some[0].id))
        end = to_micros(upto)
        with writer.transaction(lambda: end) as transaction:
            for code, count in REFUSED:
                bad = [
                    Rejected(raw=b"%d" % copy, reason_code=code, reason_detail=f"no {code}") for copy in range(count)
                ]
                apply(transaction, bad, task="record_pattern", delivery=code)
            event = events.recalculation(RecalculateAllPatternPriorities(occurred_at=upto))
            assert recalculate(transaction, event, task="recalculate", delivery="slot")


def _event(message: Message) -> Effect:
    recorded = read_recorded(encode(message))
    assert not isinstance(recorded, RecalculateAllPatternPriorities)
    return events.effect(recorded)
