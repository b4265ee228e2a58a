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

# Each takes some kilobytes of the page.
_LARGEST_LIMIT = 1_000


def report(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="The file to write; - for standard output.")],
    *,
    limit: Annotated[int, typer.Option(min=1, max=_LARGEST_LIMIT, help="The largest number of patterns.")] = 50,
) -> None:
    """Write what was learnt as one HTML page for a browser.

    The page shows the ranking, the scores over time, and what became of the messages. It loads nothing from elsewhere.
    An existing file is replaced at once, never in part.
    """
    text = page(facts(read_settings(Settings).store_address, limit=limit, now=now()))
    if file == "-":
        sys.stdout.buffer.write(text.encode())
        sys.stdout.buffer.flush()
        return
    write_whole(file, text)
    err.print(f"wrote {harmless(file)}", soft_wrap=True)
