"""The records that the store gives its readers. Times are aware datetimes in UTC; scores and shares are 0 to 1."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """One pattern and what was learnt about it; the fields are those of the specification.

    ``id`` has 16 hex digits, ``content_hash`` 32. ``priority_score`` is how much the pattern deserves attention,
    ``effectiveness_score`` how well applying it works; ``active`` is False while it is soft-deleted.
    """

    id: str
    pattern_type: str
    pattern_name: str
    description: str | None
    context_tags: tuple[str, ...] | None
    suggested_action: str | None
    instrument_name: str | None
    provenance_job_hash: str | None
    provenance_sheet_num: int | None
    occurrence_count: int
    led_to_success_count: int
    led_to_failure_count: int
    first_seen: datetime
    last_seen: datetime
    last_confirmed: datetime
    effectiveness_score: float
    priority_score: float
    variance: float
    trust_score: float
    quarantine_status: str
    content_hash: str
    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedApplication:
    """One application of a pattern to an execution; ``id`` is its message's, ``applied_at`` the worker's clock."""

    id: str
    pattern_id: str
    execution_id: str
    occurred_at: datetime
    applied_at: datetime
    pattern_led_to_success: bool
    retry_count_before: int
    retry_count_after: int
    application_mode: str
    validation_passed: bool | None
    grounding_confidence: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """The store in numbers, all of one moment.

    Every message that arrived is in exactly one of ``applied``, ``parked``, ``quarantined`` (those that are new) and
    ``discarded``. Their sum is ``received``, which is counted separately, so that `balanced` proves something. A batch
    counts as its members. A repeated delivery counts only in ``duplicates``. ``replayed`` messages were sent again from
    the quarantine, and count where they are now. ``average_effectiveness`` is that of the active patterns, None without
    any.
    """

    received: int
    applied: int
    parked: int
    quarantined: int
    discarded: int
    replayed: int
    duplicates: int
    merges: int
    patterns: int
    patterns_active: int
    patterns_deleted: int
    patterns_never_applied: int
    sightings: int
    applications: int
    average_effectiveness: float | None
    last_recalculation: datetime | None

    @property
    def balanced(self) -> bool:
        """Whether every message received is in exactly one place; anything else is a defect."""
        return self.received == self.applied + self.parked + self.quarantined + self.discarded
