"""From a message to the event that the store is told: a function for each kind.

An event has the fields of its message, by the same names; times, tags and the provenance have another form there.
"""

from typing import Any

from ostinato.messages import models, wire
from ostinato.reasons import Reason
from ostinato.times import to_micros
from store.events import Application, Effect, Import, Item, Recalculation, Rejected, Rescore, Sighting, SoftDelete


def items(kind: str, text: str) -> list[Item]:
    """The events of a text that came for an effect kind or as a batch, in its order; never raises.

    A malformed text, or a malformed member of a batch, comes back as Rejected, with its reason.
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
    """A message that met a defect of ours, as the quarantine is to keep it."""
    return Rejected(
        raw=text.encode(errors="surrogatepass"),
        reason_code=Reason.UNEXPECTED_ERROR,
        reason_detail=type(error).__name__,
        source="domain",
        message_id=message_id,
    )


def effect(message: models.BatchMember) -> Effect:
    """The event of a message that has an effect."""
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
    return Sighting(**_described(message))


def application(message: models.RecordPatternApplication) -> Application:
    """The application of a `record_pattern_application`."""
    return Application(**_said(message))


def imported(message: models.ImportPattern) -> Import:
    """The import of an `import_pattern`; ``first_seen`` is never later than the event time."""
    said = _described(message)
    said["first_seen"] = to_micros(min(message.first_seen, message.occurred_at))
    if message.last_confirmed is not None:
        said["last_confirmed"] = to_micros(message.last_confirmed)
    return Import(**said)


def soft_delete(message: models.SoftDeletePattern) -> SoftDelete:
    """The soft delete of a `soft_delete_pattern`."""
    return SoftDelete(**_said(message))


def rescore(message: models.UpdatePatternEffectiveness) -> Rescore:
    """The rescore of an `update_pattern_effectiveness`."""
    return Rescore(**_said(message))


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


def _said(message: models.Message) -> dict[str, Any]:
    """The fields of every event, and those that a message and its event share."""
    return {
        **dict(message),
        "id": str(message.id),
        "occurred_at": to_micros(message.occurred_at),
        "content": message.content(),
    }


def _described(message: models.RecordPattern | models.ImportPattern) -> dict[str, Any]:
    said = _said(message)
    provenance = said.pop("provenance") or models.Provenance()
    return said | {
        "pattern_id": message.pattern_id,
        "provenance_job_hash": provenance.job_hash,
        "provenance_sheet_num": provenance.sheet_num,
    }
