"""`ostinato report`."""

import sys
from typing import Annotated

import typer

from ostinato.settings.environment import read_settings
from worker.cli.output import err, harmless
from worker.cli.report.facts import facts
from worker.cli.report.page import page
from worker.cli.report.writing import write_whole
from worker.clock import now
from worker.settings import Settings

# Some kilobytes each: more is no page that anybody reads.
_MOST = 1_000


def report(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="Where to write; - for standard output.")],
    *,
    limit: Annotated[int, typer.Option(min=1, max=_MOST, help="At most so many patterns.")] = 50,
) -> None:
    """Write what was learnt as a page for a browser: the ranking, each score over time, and how things stand.

    One file that loads nothing from anywhere. A file that is there is replaced, at once and whole.
    """
    text = page(facts(read_settings(Settings).store_address, limit=limit, now=now()))
    if file == "-":
        sys.stdout.buffer.write(text.encode())
        sys.stdout.buffer.flush()
        return
    write_whole(file, text)
    err.print(f"wrote {harmless(file)}", soft_wrap=True)
