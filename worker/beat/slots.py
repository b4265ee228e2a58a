"""Slots: the moments at which priorities are recalculated, the same for every beat.

A slot begins every ``every`` seconds, counted in UTC from a time of day, so that no DST switch moves or doubles one.
The id of a slot's message is made from the slot: two beats send the same message, and the inbox takes it once.
"""

import hashlib
from datetime import UTC, datetime, timedelta

from celery.schedules import BaseSchedule, schedstate
from typing_extensions import override

from ostinato.messages.models import RecalculateAllPatternPriorities
from ostinato.messages.uuid7 import uuid7_of
from ostinato.times import EPOCH

_RANDOM_BITS = 74


class SlotSchedule(BaseSchedule):
    """A slot every ``every`` seconds, counted from ``offset`` seconds after midnight UTC.

    Due when a slot has begun since the last run, however long ago: a missed run is made up for.
    """

    def __init__(self, every: float, offset: float) -> None:
        super().__init__(nowfun=_utc_now)
        self.every = timedelta(seconds=every)
        self.offset = timedelta(seconds=offset)

    def slot(self, now: datetime) -> datetime:
        """The beginning of the slot that ``now`` falls into."""
        return now - (now - EPOCH - self.offset) % self.every

    @override
    def remaining_estimate(self, last_run_at: datetime) -> timedelta:
        return self.slot(last_run_at) + self.every - self.now()

    @override
    def is_due(self, last_run_at: datetime) -> schedstate:
        now = self.now()
        slot = self.slot(now)
        return schedstate(last_run_at < slot, (slot + self.every - now).total_seconds())

    @override
    def __repr__(self) -> str:
        return f"<slots: every {self.every} from {self.offset} UTC>"

    @override
    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SlotSchedule):
            return NotImplemented
        return (self.every, self.offset) == (other.every, other.offset)

    @override
    def __hash__(self) -> int:
        return hash((self.every, self.offset))


def _utc_now() -> datetime:
    return datetime.now(UTC)


def slot_message(slot: datetime) -> RecalculateAllPatternPriorities:
    """The message of a slot; one slot always has the same."""
    name = f"{RecalculateAllPatternPriorities.KIND} {slot.isoformat()}"
    bits = int.from_bytes(hashlib.sha256(name.encode()).digest(), "big") & ((1 << _RANDOM_BITS) - 1)
    milliseconds = (slot - EPOCH) // timedelta(milliseconds=1)
    return RecalculateAllPatternPriorities(id=uuid7_of(milliseconds, bits), occurred_at=slot)
