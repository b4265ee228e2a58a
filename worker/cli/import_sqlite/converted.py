"""One row of the predecessor, converted to a message, or the reason why it is skipped. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import NAMESPACE_OID, UUID, uuid5
from zoneinfo import ZoneInfo

from ostinato.errors import MalformedMessage
from ostinato.messages import wire
from ostinato.messages.models import ImportPattern, RecordPatternApplication
from ostinato.messages.printable import printable
from worker.cli.import_sqlite.mending import Mending, Skipped
from worker.cli.import_sqlite.source import Row

M = TypeVar("M", ImportPattern, RecordPatternApplication)
_NAMESPACE = uuid5(NAMESPACE_OID, "ostinato import-sqlite")


@dataclass(frozen=True, slots=True)
class Converted(Generic[M]):
    """A row's id, printable; its message and what was mended in it; or why the row is skipped."""

    id: str
    message: M | None
    mended: Sequence[str] = ()
    skipped: str | None = None


def converted(row: Row, zone: ZoneInfo | None, make: Callable[[Mending], M]) -> Converted[M]:
    """Convert a row by ``make``; a row that no message can hold is skipped."""
    mending, shown = Mending(row, zone), printable(str(row.get("id")))
    try:
        message = make(mending)
        wire.encode(message)
    except Skipped as skipped:
        return Converted(shown, None, skipped=skipped.reason)
    except MalformedMessage as error:
        return Converted(shown, None, skipped=error.reason_code)
    return Converted(shown, message, mending.mended)


def id_made_from(table: str, key: str, since: object) -> UUID:
    """The message id of a row, the same in every run.

    ``since`` is the unconverted time at which the row was made. It tells two databases of the predecessor apart, which
    give a pattern the same id: both rows are to be taken.
    """
    return uuid5(_NAMESPACE, ascii((table, key, since)))
