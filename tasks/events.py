"""From a message to what the store is told: a function for each kind."""

from typing import TypedDict

from ostinato.messages import models, wire
from ostinato.reasons import Reason
from ostinato.times import to_micros
from store.events import Application, Effect, Import, Item, Recalculation, Rejected, Rescore, Sighting, SoftDelete


class _Said(TypedDict):
    """What every event has."""

    id: str
    kind: str
    occurred_at: int
    content: str


class _Described(_Said):
    """What a sighting and an import have in common."""

    pattern_type: str
    pattern_name: str
    description: str | None
    context_tags: tuple[str, ...] | None
    suggested_action: str | None
    provenance_job_hash: str | None
    provenance_sheet_num: int | None
    instrument_name: str | None


def items(kind: str, text: str) -> list[Item]:
    """The events of a text that came for an effect kind or as a batch, in its order; never raises.

    A text, or a member of a batch, that is no message comes back as Rejected, with its reason.
    """
    try:
        return [
            _rejected(each) if isinstance(each, wire.Unreadable) else effect(each) for each in wire.items(kind, text)
        ]
    except Exception as error:  # noqa: BLE001 - a defect of ours in reading must not cost the message
        return [unexpected(text, error)]


def recalculation_in(text: str) -> Recalculation | Rejected:
    """The recalculation that a text asks for; never raises, as `items`."""
    try:
        read = wire.item(models.RecalculateAllPatternPriorities, text)
        return _rejected(read) if isinstance(read, wire.Unreadable) else recalculation(read)
    except Exception as error:  # noqa: BLE001 - as for any other message
        return unexpected(text, error)


def unexpected(text: str, error: Exception, message_id: str | None = None) -> Rejected:
    """A message that met a defect of ours, as it is to be kept."""
    return Rejected(
        raw=text.encode(errors="surrogatepass"),
        reason_code=Reason.UNEXPECTED_ERROR,
        reason_detail=type(error).__name__,
        source="domain",
        message_id=message_id,
    )


def effect(message: models.BatchMember) -> Effect:
    """What the store is told of a message that has an effect."""
    match message:
        case models.RecordPattern():
            return sighting(message)
        case models.RecordPatternApplication():
            return application(message)
        case models.SoftDeletePattern():
            return soft_delete(message)
        case models.UpdatePatternEffectiveness():
            return rescore(message)
        case models.ImportPattern():
            return imported(message)


def sighting(message: models.RecordPattern) -> Sighting:
    """The sighting of a `record_pattern`."""
    return Sighting(**_described(message), pattern_id=message.pattern_id, fingerprint=message.fingerprint)


def application(message: models.RecordPatternApplication) -> Application:
    """The application of a `record_pattern_application`."""
    return Application(
        **_said(message),
        pattern_id=message.pattern_id,
        execution_id=message.execution_id,
        pattern_led_to_success=message.pattern_led_to_success,
        retry_count_before=message.retry_count_before,
        retry_count_after=message.retry_count_after,
        application_mode=message.application_mode,
        validation_passed=message.validation_passed,
        grounding_confidence=message.grounding_confidence,
    )


def imported(message: models.ImportPattern) -> Import:
    """The import of an `import_pattern`; `first_seen` is never later than the event time."""
    return Import(
        **_described(message),
        pattern_id=message.pattern_id,
        occurrence_count=message.occurrence_count,
        led_to_success_count=message.led_to_success_count,
        led_to_failure_count=message.led_to_failure_count,
        first_seen=min(to_micros(message.first_seen), to_micros(message.occurred_at)),
        last_confirmed=None if message.last_confirmed is None else to_micros(message.last_confirmed),
        variance=message.variance,
        trust_score=message.trust_score,
        quarantine_status=message.quarantine_status,
        active=message.active,
    )


def soft_delete(message: models.SoftDeletePattern) -> SoftDelete:
    """The soft delete of a `soft_delete_pattern`."""
    return SoftDelete(**_said(message), pattern_id=message.pattern_id)


def rescore(message: models.UpdatePatternEffectiveness) -> Rescore:
    """The rescore of an `update_pattern_effectiveness`."""
    return Rescore(**_said(message), pattern_id=message.pattern_id)


def recalculation(message: models.RecalculateAllPatternPriorities) -> Recalculation:
    """The recalculation of a `recalculate_all_pattern_priorities`."""
    return Recalculation(**_said(message))


def _rejected(text: wire.Unreadable) -> Rejected:
    return Rejected(
        raw=text.raw,
        reason_code=text.reason_code,
        reason_detail=text.detail,
        message_id=text.message_id,
        copy=text.copy,
    )


def _said(message: models.Message) -> _Said:
    return {
        "id": str(message.id),
        "kind": message.KIND,
        "occurred_at": to_micros(message.occurred_at),
        "content": message.content(),
    }


def _described(message: models.RecordPattern | models.ImportPattern) -> _Described:
    provenance = message.provenance or models.Provenance()
    return {
        **_said(message),
        "pattern_type": message.pattern_type,
        "pattern_name": message.pattern_name,
        "description": message.description,
        "context_tags": None if message.context_tags is None else tuple(message.context_tags),
        "suggested_action": message.suggested_action,
        "provenance_job_hash": provenance.job_hash,
        "provenance_sheet_num": provenance.sheet_num,
        "instrument_name": message.instrument_name,
    }
