"""`ostinato import-sqlite`."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from ostinato.errors import TransientError
from ostinato.settings.environment import read_settings
from store.writing.transaction import Writer
from worker.cli.import_sqlite.importing import Importer
from worker.cli.import_sqlite.local_times import zone_named
from worker.cli.import_sqlite.source import APPLICATIONS, PATTERNS, opened
from worker.cli.import_sqlite.tally import ImportResult, Tally
from worker.cli.options import AsJson
from worker.cli.output import harmless, out, print_json, progress
from worker.clock import now
from worker.settings import Settings

_SHOWN = 5


def import_sqlite(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A learning database of the predecessor.")],
    *,
    timezone: Annotated[
        str | None,
        typer.Option(
            help="Time zone of its times, as in Europe/Berlin; without this option, the machine's.", show_default=False
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Import the patterns and applications of the predecessor's SQLite file.

    The file is only read, and may be in use. A second run imports what is new since, and adds nothing twice. The exit
    code is 1 if a row could not be imported, or has changed since it was.
    """
    result = _taken(path, timezone)
    if as_json:
        print_json(result.fields())
    else:
        for line in _lines(result):
            out.print(harmless(line), soft_wrap=True)
    if not result.complete:
        raise typer.Exit(1)


def _taken(path: Path, timezone: str | None) -> ImportResult:
    zone, settings = zone_named(timezone), read_settings(Settings)
    with (
        opened(path) as source,
        closing(Writer(settings.store_address)) as writer,
        progress() as shown,
    ):
        bar = shown.add_task("importing", total=source.count(PATTERNS) + source.count(APPLICATIONS))
        importer = Importer(writer, now, zone, lambda rows: shown.update(bar, advance=rows))
        try:
            return importer.take(source)
        except TransientError as error:
            raise type(error)(f"{error} What was imported stays; run the command again for the rest.") from error


def _lines(result: ImportResult) -> Iterator[str]:
    for name, tally in (("patterns", result.patterns), ("applications", result.applications)):
        yield f"{name}: {', '.join(f'{count} {what}' for what, count in _numbers(tally))}"
        yield from (f"  mended, {reason}: {count}" for reason, count in sorted(tally.mended.items()))
        yield from (f"  skipped, {reason}: {_some(ids)}" for reason, ids in sorted(tally.skipped.items()))
        if tally.changed:
            yield f"  changed since it was taken, and not taken again: {_some(tally.changed)}"


def _numbers(tally: Tally) -> Sequence[tuple[str, int]]:
    return (
        ("rows", tally.rows),
        ("taken", tally.taken),
        ("of them parked", tally.parked),
        ("already there", tally.already_there),
        ("changed", len(tally.changed)),
        ("skipped", sum(map(len, tally.skipped.values()))),
    )


def _some(ids: Sequence[str]) -> str:
    more = len(ids) - _SHOWN
    return f"{len(ids)} ({', '.join(ids[:_SHOWN])}{f' and {more} more' if more > 0 else ''})"
