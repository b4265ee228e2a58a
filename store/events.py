"""What the store is told: one event per message, already checked. Times are microseconds since 1970 UTC."""

from dataclasses import dataclass
from typing import NamedTuple


class Stamp(NamedTuple):
    """When a message's event occurred, and the message's id: the order of all events."""

    occurred_at: int
    message_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What every message has.

    ``id`` is the message's UUID in its canonical text (36 characters, lower case). ``content`` is the canonical JSON of
    the whole message: it tells apart two messages with one id.
    """

    id: str
    kind: str
    occurred_at: int
    content: str

    @property
    def stamp(self) -> Stamp:
        """The event's place in the order of events."""
        return Stamp(self.occurred_at, self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Described(Event):
    """What describes a pattern; without a ``fingerprint`` its texts identify its content."""

    pattern_id: str
    pattern_type: str
    pattern_name: str
    description: str | None = None
    context_tags: tuple[str, ...] | None = None
    suggested_action: str | None = None
    provenance_job_hash: str | None = None
    provenance_sheet_num: int | None = None
    instrument_name: str | None = None
    fingerprint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting(Described):
    """A runner saw a pattern."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Import(Described):
    """Another store knew a pattern, of this id: its texts, and a starting balance of counts and times.

    ``occurred_at`` is when that store saw the pattern last. The balance of successes and failures comes on top of the
    applications that are sent along as messages of their own. Other stores know no fingerprints.
    """

    occurrence_count: int
    led_to_success_count: int
    led_to_failure_count: int
    first_seen: int
    last_confirmed: int | None
    variance: float
    trust_score: float
    quarantine_status: str
    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Application(Event):
    """A runner applied a pattern to an execution."""

    pattern_id: str
    execution_id: str
    pattern_led_to_success: bool
    retry_count_before: int
    retry_count_after: int
    application_mode: str
    validation_passed: bool | None
    grounding_confidence: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftDelete(Event):
    """A pattern is no longer wanted; its row and its applications stay."""

    pattern_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescore(Event):
    """Both scores of one pattern are to be recomputed now."""

    pattern_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalculation(Event):
    """The scores of every pattern are to be recomputed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A message, or a member of a batch, that can never be applied: kept whole, with the reason.

    ``raw`` is what arrived, byte for byte; ``source`` is ``transport``, ``validation`` or ``domain``. Equal texts
    without an id in one delivery are a message each: ``copy`` is 0 for the first of them, 1 for the second.
    """

    raw: bytes
    reason_code: str
    reason_detail: str
    source: str = "validation"
    message_id: str | None = None
    copy: int = 0


Effect = Sighting | Application | SoftDelete | Rescore | Import
Item = Effect | Rejected
