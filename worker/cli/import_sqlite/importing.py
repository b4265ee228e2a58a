"""From a predecessor's database into the store, 200 messages a transaction; a second run adds nothing."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar
from zoneinfo import ZoneInfo

from ostinato.messages.models import ImportPattern, RecordPatternApplication
from store.writing.applying import apply
from store.writing.inbox import Receipt, receipts
from store.writing.transaction import Clock, Transaction, Writer
from tasks.events import effect
from worker.cli.import_sqlite.applications import application
from worker.cli.import_sqlite.converted import Converted
from worker.cli.import_sqlite.patterns import KnownOutcomes, pattern
from worker.cli.import_sqlite.source import APPLICATIONS, PATTERNS, Source
from worker.cli.import_sqlite.tally import ImportResult, Tally

AT_ONCE = 200
_DELIVERY = "import-sqlite"
_PARKED = "pattern_application_parked"
AnyConverted = Converted[ImportPattern] | Converted[RecordPatternApplication]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Importer:
    """Imports a source into the store.

    ``zone`` is the zone of the source's times, None for the machine's. ``advanced`` is called with the number of rows
    done since the last call.
    """

    writer: Writer
    clock: Clock
    zone: ZoneInfo | None
    advanced: Callable[[int], None]

    def take(self, source: Source) -> ImportResult:
        """Apply every row that was not applied before, in short transactions; an error keeps what is committed."""
        result, known = ImportResult(source.version()), self._outcomes(source)
        patterns = (pattern(row, self.zone, _of(known, row.get("id"))) for row in source.rows(PATTERNS))
        self._take(patterns, result.patterns)
        self._take((application(row, self.zone) for row in source.rows(APPLICATIONS)), result.applications)
        return result

    def _outcomes(self, source: Source) -> dict[str, KnownOutcomes]:
        """For each pattern, how many outcomes have an application of their own that can be taken."""
        known: dict[str, KnownOutcomes] = {}
        for row in source.rows(APPLICATIONS):
            message = application(row, self.zone).message
            if message is not None:
                successes, failures = _of(known, message.pattern_id)
                success = message.pattern_led_to_success
                known[message.pattern_id] = KnownOutcomes(successes + success, failures + (not success))
        return known

    def _take(self, rows: Iterable[AnyConverted], tally: Tally) -> None:
        for some in _batches(rows):
            with self.writer.transaction(self.clock) as transaction:
                taken = _Batch(some)
                taken.apply(transaction)
            taken.count(tally)
            self.advanced(len(some))


class _Batch:
    """The rows of one transaction, each with what the inbox knows of its message."""

    def __init__(self, rows: Sequence[AnyConverted]) -> None:
        self._rows = rows
        self._said: list[tuple[AnyConverted, Receipt]] = []
        self._parked = 0

    def apply(self, transaction: Transaction) -> None:
        """Apply the rows that the inbox does not know."""
        chosen = [(row, effect(row.message)) for row in self._rows if row.message is not None]
        said = receipts(transaction.connection, [event for _, event in chosen])
        new = [event for (_, event), receipt in zip(chosen, said, strict=True) if receipt is Receipt.NEW]
        apply(transaction, new, task=_DELIVERY, delivery=_DELIVERY)
        self._said = [(row, receipt) for (row, _), receipt in zip(chosen, said, strict=True)]
        self._parked = sum(fact.name == _PARKED for fact in transaction.facts)

    def count(self, tally: Tally) -> None:
        """Count what became of the rows; call it after the commit."""
        tally.rows += len(self._rows)
        tally.parked += self._parked
        for row in self._rows:
            if row.skipped is not None:
                tally.skipped[row.skipped].append(row.id)
        for row, receipt in self._said:
            if receipt is Receipt.NEW:
                tally.taken += 1
                tally.mended.update(row.mended)
            elif receipt is Receipt.DUPLICATE:
                tally.already_there += 1
            else:
                tally.changed.append(row.id)


def _of(known: dict[str, KnownOutcomes], pattern_id: object) -> KnownOutcomes:
    return known.get(pattern_id, KnownOutcomes()) if isinstance(pattern_id, str) else KnownOutcomes()


def _batches(rows: Iterable[T]) -> Iterator[list[T]]:
    remaining = iter(rows)
    while some := list(islice(remaining, AT_ONCE)):
        yield some
