"""What the store is told: one event per message, already checked. Times are microseconds since 1970 UTC."""

from dataclasses import dataclass
from typing import NamedTuple


class Stamp(NamedTuple):
    """When something was said and by which message; later stamps win over earlier ones."""

    occurred_at: int
    message_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What every message has.

    ``id`` is the message's UUID in its canonical text (36 characters, lower case); ``content`` the canonical JSON of
    the whole message, by which two messages with one id are told apart.
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
class Sighting(Event):
    """A runner saw a pattern."""

    pattern_id: str
    pattern_type: str
    pattern_name: str
    description: str | None
    context_tags: tuple[str, ...] | None
    suggested_action: str | None
    provenance_job_hash: str | None
    provenance_sheet_num: int | None
    instrument_name: str | None
    fingerprint: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Import(Event):
    """Another store knew a pattern, of this id: its texts, and a starting balance of counts and times.

    ``occurred_at`` is when that store saw the pattern last. The balance of successes and failures is what comes on
    top of the applications that are sent along as messages of their own.
    """

    pattern_id: str
    pattern_type: str
    pattern_name: str
    description: str | None
    context_tags: tuple[str, ...] | None
    suggested_action: str | None
    provenance_job_hash: str | None
    provenance_sheet_num: int | None
    instrument_name: str | None
    occurrence_count: int
    led_to_success_count: int
    led_to_failure_count: int
    first_seen: int
    last_confirmed: int | None
    variance: float
    trust_score: float
    quarantine_status: str
    active: bool

    @property
    def fingerprint(self) -> None:
        """Other stores know no fingerprints."""
        return


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
    """Somebody wants a pattern out of the way."""

    pattern_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescore(Event):
    """Somebody wants the two scores of one pattern recomputed now."""

    pattern_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalculation(Event):
    """Somebody wants the scores of every pattern recomputed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A message, or one of a batch, that can never be applied: kept whole, with the reason.

    ``raw`` is what arrived, byte for byte; ``source`` is ``transport``, ``validation`` or ``domain``. ``copy`` tells
    apart equal texts without an id that came in one delivery, each of which is a message: 0 for the first.
    """

    raw: bytes
    reason_code: str
    reason_detail: str
    source: str = "validation"
    message_id: str | None = None
    copy: int = 0


Described = Sighting | Import
Effect = Sighting | Application | SoftDelete | Rescore | Import
Item = Effect | Rejected
