"""`ostinato rebuild`."""

import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from ostinato.settings.environment import read_settings
from store.history import recorded
from store.history.comparison import Difference
from store.history.rebuilding import require_whole
from store.reading.reader import Reader
from worker.cli.options import AsJson
from worker.cli.output import (
    harmless,
    out,
    print_json,
    progress,
)
from worker.recovery import rebuilding
from worker.settings import Settings

_SHOWN = 20


def rebuild(
    *,
    into: Annotated[
        str | None,
        typer.Option(metavar="URL", help="The store to fill; without this option, a temporary store for --verify."),
    ] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Compare the rebuilt store with the live one.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a store again from the recorded messages.

    The messages are applied in their original order. --verify reports every difference between the rebuilt store and
    the live one; there should be none. The exit code is 1 if there is a difference, or if the content of some messages
    was pruned.
    """
    if not (into or verify):
        raise typer.BadParameter("give --into URL, --verify, or both")
    with Reader(read_settings(Settings).store_address) as reader, _target(into) as url:
        require_whole(recorded.extent(reader).pruned)
        found = rebuilding.rebuild(reader, url, _show_progress, verify=verify)
    if as_json:
        print_json([asdict(each) for each in found])
    elif verify:
        _show(found)
    else:
        out.print("The store is rebuilt.")
    if found:
        raise typer.Exit(1)


@contextmanager
def _target(into: str | None) -> Generator[str]:
    if into is not None:
        yield into
        return
    with tempfile.TemporaryDirectory(prefix="ostinato-rebuild-") as folder:
        yield f"sqlite:///{Path(folder, 'store.db')}"


def _show_progress(counts: Iterator[int], total: int) -> None:
    with progress() as shown:
        bar = shown.add_task("applying the history", total=total)
        for count in counts:
            shown.advance(bar, count)


def _show(found: Sequence[Difference]) -> None:
    if not found:
        out.print("The rebuilt store equals the live one.")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("table", "row", "column", "live", "rebuilt"):
        table.add_column(heading)
    for each in found[:_SHOWN]:
        cells = (each.table, each.key, each.column or "-", repr(each.live), repr(each.rebuilt))
        table.add_row(*(harmless(cell) for cell in cells))
    out.print(table)
    out.print(f"{len(found)} differences; the first {min(len(found), _SHOWN)} are above, --json prints all.")
