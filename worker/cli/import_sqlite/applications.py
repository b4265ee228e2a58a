"""One application of the predecessor as a message. Pure."""

from uuid import UUID
from zoneinfo import ZoneInfo

from ostinato.messages import wire
from ostinato.messages.fields import COUNT_LIMIT
from ostinato.messages.models import RecordPatternApplication
from ostinato.times import EPOCH
from worker.cli.import_sqlite.converted import Converted, converted, id_made_from
from worker.cli.import_sqlite.mending import Mending, Skipped
from worker.cli.import_sqlite.source import APPLICATIONS, Row

ID_LENGTH = 200
_LED_TO_SUCCESS = "pattern_led_to_success"
# The column's name in databases before version 11.
_IMPROVED = "outcome_improved"


def application(row: Row, zone: ZoneInfo | None) -> Converted[RecordPatternApplication]:
    """The message of a row.

    Its id is the row's if that is a UUID. A row without a time is dated 1970: it counts, and is never among the newest.
    """
    return converted(row, zone, _message)


def _message(row: Mending) -> RecordPatternApplication:
    key = row.key("id", ID_LENGTH)
    name = _LED_TO_SUCCESS if _LED_TO_SUCCESS in row.row else _IMPROVED
    success = row.truth(name)
    if success is None:
        raise Skipped(f"{_LED_TO_SUCCESS}_{'missing' if row.row.get(name) is None else 'type'}")
    execution = row.text("execution_id", 200)
    if execution is None:
        row.note("execution_id_missing")
    return wire.make(
        RecordPatternApplication,
        {
            "id": _id(key, row),
            "occurred_at": row.moment("applied_at") or EPOCH,
            "pattern_id": row.key("pattern_id", ID_LENGTH),
            "execution_id": execution or "",
            "pattern_led_to_success": success,
            "retry_count_before": row.count("retry_count_before", COUNT_LIMIT),
            "retry_count_after": row.count("retry_count_after", COUNT_LIMIT),
            "grounding_confidence": row.share("grounding_confidence", None),
        },
    )


def _id(key: str, row: Mending) -> UUID:
    try:
        known = UUID(key)
    except ValueError:
        known = None
    # Another spelling of the same UUID could be the id of a second row.
    return known if known and str(known) == key else id_made_from(APPLICATIONS, key, row.row.get("applied_at"))
