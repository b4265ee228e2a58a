"""The messages (spec section 4): frozen models that own their kind, their limits and their wire format.

A message that is made in Python fills in its `id` and `occurred_at`. One that is read from the wire must have both
(`wire`).
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from ostinato.identity import pattern_id
from ostinato.messages.fields import (
    Balance,
    Count,
    Flag,
    Lines,
    MessageId,
    Moment,
    PatternId,
    PatternName,
    PatternType,
    Share,
    SheetNumber,
    ShortLine,
    Tags,
)
from ostinato.messages.uuid7 import uuid7

BATCH_COUNT = 500


def _now() -> datetime:
    return datetime.now(UTC)


class Message(BaseModel):
    """What every message has: its kind, its id (the idempotency key, the same at every retry) and its event time."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    KIND: ClassVar[str]

    id: MessageId = Field(default_factory=uuid7)
    occurred_at: Moment = Field(default_factory=_now)

    def content(self) -> str:
        """The message as canonical JSON: what is sent, what the inbox keeps, and what two messages are compared by.

        Fields without a value are left out, so that a field added to a later version changes no earlier message.
        """
        return self.model_dump_json(exclude_none=True)

    def summary(self) -> str:
        """A few words for people, on one line: which patterns the message is about."""
        return "all patterns"


class Provenance(BaseModel):
    """Where a sighting was made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    job_hash: ShortLine | None = None
    sheet_num: SheetNumber | None = None


class _Describes(Message):
    pattern_type: PatternType
    pattern_name: PatternName
    description: Lines | None = None
    context_tags: Tags | None = None
    suggested_action: Lines | None = None
    provenance: Provenance | None = None
    instrument_name: ShortLine | None = None

    def summary(self) -> str:
        """The type and the name."""
        return f"{self.pattern_type}: {self.pattern_name}"


class RecordPattern(_Describes):
    """A runner saw a pattern."""

    KIND: ClassVar[str] = "record_pattern"

    kind: Literal["record_pattern"] = "record_pattern"
    fingerprint: ShortLine | None = None

    @property
    def pattern_id(self) -> str:
        """The id of the pattern that was seen: 16 hex digits."""
        return pattern_id(self.pattern_type, self.pattern_name)


class ImportPattern(_Describes):
    """Another store knew a pattern: its texts, and a starting balance of its counts and times.

    ``occurred_at`` is when that store saw it last. Applications that are known one by one are messages of their own;
    the balance does not count them.
    """

    KIND: ClassVar[str] = "import_pattern"

    kind: Literal["import_pattern"] = "import_pattern"
    pattern_id: PatternId
    occurrence_count: Balance = 1
    led_to_success_count: Balance = 0
    led_to_failure_count: Balance = 0
    first_seen: Moment
    last_confirmed: Moment | None = None
    variance: Share = 0.0
    trust_score: Share = 0.5
    quarantine_status: Literal["pending", "quarantined", "validated", "retired"] = "pending"
    active: Flag = True


class RecordPatternApplication(Message):
    """A runner applied a pattern to an execution; the message's id becomes the application's."""

    KIND: ClassVar[str] = "record_pattern_application"

    kind: Literal["record_pattern_application"] = "record_pattern_application"
    pattern_id: PatternId
    execution_id: ShortLine
    pattern_led_to_success: Flag
    retry_count_before: Count = 0
    retry_count_after: Count = 0
    application_mode: Literal["exploitation", "exploration"] = "exploitation"
    validation_passed: Flag | None = None
    grounding_confidence: Share | None = None

    def summary(self) -> str:
        """The pattern, the execution and how it ended."""
        outcome = "success" if self.pattern_led_to_success else "failure"
        return f"{self.pattern_id} on {self.execution_id}: {outcome}"


class _NamesPattern(Message):
    pattern_id: PatternId

    def summary(self) -> str:
        """The pattern."""
        return self.pattern_id


class SoftDeletePattern(_NamesPattern):
    """Hide a pattern until it is seen again; its row and its applications stay."""

    KIND: ClassVar[str] = "soft_delete_pattern"

    kind: Literal["soft_delete_pattern"] = "soft_delete_pattern"


class UpdatePatternEffectiveness(_NamesPattern):
    """Compute one pattern's scores again, now."""

    KIND: ClassVar[str] = "update_pattern_effectiveness"

    kind: Literal["update_pattern_effectiveness"] = "update_pattern_effectiveness"


class RecalculateAllPatternPriorities(Message):
    """Compute every pattern's scores again."""

    KIND: ClassVar[str] = "recalculate_all_pattern_priorities"

    kind: Literal["recalculate_all_pattern_priorities"] = "recalculate_all_pattern_priorities"


BatchMember = RecordPattern | RecordPatternApplication | SoftDeletePattern | UpdatePatternEffectiveness | ImportPattern


class ApplyBatch(Message):
    """Up to 500 messages in one, applied in the given order in one transaction, as if sent one by one."""

    KIND: ClassVar[str] = "apply_batch"

    kind: Literal["apply_batch"] = "apply_batch"
    messages: Annotated[
        Sequence[Annotated[BatchMember, Field(discriminator="kind")]],
        Field(min_length=1, max_length=BATCH_COUNT),
    ]

    def summary(self) -> str:
        """How many messages."""
        return f"{len(self.messages)} messages"


Recorded = BatchMember | RecalculateAllPatternPriorities
AnyMessage = Recorded | ApplyBatch

BATCH_MEMBERS: Mapping[str, type[BatchMember]] = {
    each.KIND: each
    for each in (RecordPattern, RecordPatternApplication, SoftDeletePattern, UpdatePatternEffectiveness, ImportPattern)
}
"""The kinds that a batch may hold."""

RECORDED: Mapping[str, type[Recorded]] = {
    **BATCH_MEMBERS,
    RecalculateAllPatternPriorities.KIND: RecalculateAllPatternPriorities,
}
"""The kinds that the history has: it keeps the members of a batch, not the batch."""

MESSAGES: Mapping[str, type[AnyMessage]] = {**RECORDED, ApplyBatch.KIND: ApplyBatch}
"""Every kind with its message; the tasks have the same names."""
