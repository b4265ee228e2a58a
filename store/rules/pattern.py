"""What each event makes of a pattern (spec 5.1 to 5.4): pure functions from one state to the next.

Every rule decides by event time, then message id, so that the state is the same for any order of arrival.
"""

from collections.abc import Mapping
from typing import NamedTuple

from store.events import Application, Described, Import, Sighting, Stamp
from store.rules.identity import content_hash
from store.rules.scoring import (
    INITIAL_EFFECTIVENESS,
    INITIAL_PRIORITY,
    Evidence,
    Outcome,
    mean_grounding,
    newest,
    recent_success,
    score,
)

_NAMED = "pattern_name"
_IMPORTED = "import"
# Two splits of one text at a colon share an id, so the earliest sighting decides the type too.
_EARLIEST_WINS = ("pattern_type", "pattern_name", "instrument_name", "provenance_job_hash", "provenance_sheet_num")
_NEWEST_WINS = ("description", "suggested_action", "context_tags", "fingerprint")


class PatternState(NamedTuple):
    """One pattern, as its row holds it. Times are microseconds since 1970 UTC.

    ``stamps`` says which message each of the pattern's texts came from. ``window`` holds the newest applications,
    newest first; ``recent`` and ``grounding`` summarize it for the scores.
    """

    id: str
    pattern_type: str
    pattern_name: str
    stamps: Mapping[str, Stamp]
    content_hash: str
    first_seen: int
    last_seen: int
    last_confirmed: int
    trust_calculated_at: int
    description: str | None = None
    context_tags: tuple[str, ...] | None = None
    suggested_action: str | None = None
    fingerprint: str | None = None
    instrument_name: str | None = None
    provenance_job_hash: str | None = None
    provenance_sheet_num: int | None = None
    occurrence_count: int = 1
    led_to_success_count: int = 0
    led_to_failure_count: int = 0
    newest_success: int | None = None
    deleted_at: int | None = None
    active: bool = True
    window: tuple[Outcome, ...] = ()
    recent: float = 0.0
    grounding: float = 1.0
    effectiveness_score: float = INITIAL_EFFECTIVENESS
    priority_score: float = INITIAL_PRIORITY
    variance: float = 0.0
    trust_score: float = 0.5
    quarantine_status: str = "pending"


def first_sighted(event: Sighting) -> PatternState:
    """The pattern of its first sighting to arrive (5.1, step 3)."""
    return _first_described(event, event.stamp)


def imported(event: Import) -> PatternState:
    """The pattern as another store knew it."""
    new = _first_described(event, Stamp(event.first_seen, event.id))
    return _derived(
        new._replace(
            stamps={**new.stamps, _IMPORTED: event.stamp},
            occurrence_count=event.occurrence_count,
            led_to_success_count=event.led_to_success_count,
            led_to_failure_count=event.led_to_failure_count,
            newest_success=event.last_confirmed,
            deleted_at=None if event.active else event.occurred_at,
            variance=event.variance,
            trust_score=event.trust_score,
            quarantine_status=event.quarantine_status,
        )
    )


def joined(pattern: PatternState, event: Import) -> PatternState:
    """The pattern, with what another store knew of it: counts add up; by its time, the import may name or describe it.

    An import under an alias adds its counts and times and nothing else, as a sighting does (`merged`).
    """
    other = imported(event)
    both = pattern._replace(
        occurrence_count=pattern.occurrence_count + other.occurrence_count,
        led_to_success_count=pattern.led_to_success_count + other.led_to_success_count,
        led_to_failure_count=pattern.led_to_failure_count + other.led_to_failure_count,
        first_seen=min(pattern.first_seen, other.first_seen),
        last_seen=max(pattern.last_seen, other.last_seen),
        newest_success=_latest(pattern.newest_success, other.newest_success),
        deleted_at=_latest(pattern.deleted_at, other.deleted_at),
    )
    if event.pattern_id != pattern.id:
        return _derived(both)
    both = _newest_sighting_describes(_earliest_sighting_names(both, event, other.stamps[_NAMED]), event)
    if _IMPORTED not in pattern.stamps or event.stamp > pattern.stamps[_IMPORTED]:
        both = both._replace(
            variance=other.variance,
            trust_score=other.trust_score,
            quarantine_status=other.quarantine_status,
            stamps={**both.stamps, _IMPORTED: event.stamp},
        )
    return _derived(both._replace(content_hash=hash_of(both)))


def hash_of(described: Described | PatternState) -> str:
    """The content hash of what describes a pattern, or of a pattern as it is now."""
    return content_hash(*_hashed(described))


def _hashed(described: Described | PatternState) -> tuple[str, str, str | None, str | None]:
    return described.pattern_type, described.pattern_name, described.description, described.fingerprint


def sighted(pattern: PatternState, event: Sighting) -> PatternState:
    """The pattern after one more sighting of its own id (5.1, step 1)."""
    seen = _earliest_sighting_names(merged(pattern, event), event, event.stamp)
    seen = _newest_sighting_describes(seen, event)
    unchanged = _hashed(seen) == _hashed(pattern)
    return seen if unchanged else seen._replace(content_hash=hash_of(seen))


def merged(pattern: PatternState, event: Sighting) -> PatternState:
    """The pattern after a sighting under another id of the same pattern (5.1, step 2)."""
    return _derived(
        pattern._replace(
            occurrence_count=pattern.occurrence_count + 1,
            first_seen=min(pattern.first_seen, event.occurred_at),
            last_seen=max(pattern.last_seen, event.occurred_at),
        )
    )


def applied(pattern: PatternState, event: Application) -> PatternState:
    """The pattern after one application (5.2); its scores are not recomputed yet."""
    success = event.pattern_led_to_success
    outcome = Outcome(event.occurred_at, event.id, success, event.grounding_confidence)
    window = newest(pattern.window, outcome)
    return _derived(
        pattern._replace(
            led_to_success_count=pattern.led_to_success_count + success,
            led_to_failure_count=pattern.led_to_failure_count + (not success),
            newest_success=_later(pattern.newest_success, event.occurred_at) if success else pattern.newest_success,
            window=window,
            recent=recent_success(window),
            grounding=mean_grounding(window),
        )
    )


def soft_deleted(pattern: PatternState, at: int) -> PatternState:
    """The pattern after a soft delete at ``at`` (5.3); one that is older than the latest known changes nothing."""
    return _derived(pattern._replace(deleted_at=_later(pattern.deleted_at, at)))


def rescored(pattern: PatternState, now: int) -> PatternState:
    """The pattern with both scores as of ``now`` (spec 6); ValueError where the row holds impossible values."""
    scores = score(evidence_of(pattern), now)
    return pattern._replace(effectiveness_score=scores.effectiveness, priority_score=scores.priority)


def evidence_of(pattern: PatternState) -> Evidence:
    """What the scores of a pattern are computed from."""
    return Evidence(
        pattern.occurrence_count,
        pattern.led_to_success_count,
        pattern.led_to_failure_count,
        pattern.recent,
        pattern.grounding,
        pattern.last_confirmed,
        pattern.variance,
    )


def _first_described(event: Described, first: Stamp) -> PatternState:
    """A new pattern, as an event describes it that saw it first at ``first``."""
    said = {name: getattr(event, name) for name in (*_EARLIEST_WINS, *_NEWEST_WINS)}
    supplied = {name: event.stamp for name in _NEWEST_WINS if said[name] is not None}
    return PatternState(
        id=event.pattern_id,
        **said,
        stamps={_NAMED: first, **supplied},
        content_hash=hash_of(event),
        first_seen=first.occurred_at,
        last_seen=event.occurred_at,
        last_confirmed=first.occurred_at,
        trust_calculated_at=first.occurred_at,
    )


def _earliest_sighting_names(pattern: PatternState, event: Described, stamp: Stamp) -> PatternState:
    if stamp >= pattern.stamps[_NAMED]:
        return pattern
    named = {name: getattr(event, name) for name in _EARLIEST_WINS}
    stamps = {**pattern.stamps, _NAMED: stamp}
    return pattern._replace(**named, trust_calculated_at=stamp.occurred_at, stamps=stamps)


def _newest_sighting_describes(pattern: PatternState, event: Described) -> PatternState:
    newer = {
        name: value
        for name in _NEWEST_WINS
        if (value := getattr(event, name)) is not None
        and (name not in pattern.stamps or event.stamp > pattern.stamps[name])
    }
    if not newer:
        return pattern
    return pattern._replace(**newer, stamps={**pattern.stamps, **dict.fromkeys(newer, event.stamp)})


def _derived(pattern: PatternState) -> PatternState:
    """The pattern with ``last_confirmed`` and ``active`` computed from its other times."""
    return pattern._replace(
        last_confirmed=_later(pattern.newest_success, pattern.first_seen),
        active=pattern.deleted_at is None or pattern.deleted_at < pattern.last_seen,
    )


def _latest(*moments: int | None) -> int | None:
    return max((each for each in moments if each is not None), default=None)


def _later(known: int | None, moment: int) -> int:
    return moment if known is None else max(known, moment)
