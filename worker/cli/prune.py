"""`ostinato prune`."""

import re
from contextlib import closing
from datetime import timedelta
from typing import Annotated

import typer

from ostinato.settings.environment import read_settings
from store.history.pruning import prunable, prune_contents
from store.reading.reader import Reader
from store.writing.transaction import Writer
from worker.cli.output import out, progress
from worker.clock import now
from worker.settings import Settings

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_MICROSECOND = timedelta(microseconds=1)


def _age(text: str) -> timedelta:
    written = re.fullmatch(r"(\d{1,6})([smhdw])", text)
    if written is None:
        raise typer.BadParameter("write it as 90d: a number, and s, m, h, d or w")
    return timedelta(**{_UNITS[written[2]]: int(written[1])})


def prune(
    older_than: Annotated[
        timedelta,
        typer.Option(parser=_age, metavar="AGE", help="Drop what was applied longer ago than this: 90d, 12h, 4w …"),
    ],
) -> None:
    """Drop the content of old messages, to bound the size of the store.

    Counts, scores and rankings do not change, and a message that comes again is still recognised. But the history is
    lost: `export` and `rebuild` need the content of every message. The database uses the space again; an SQLite file
    does not shrink.
    """
    settings = read_settings(Settings)
    before = now() - older_than // _MICROSECOND
    pruned = 0
    with (
        Reader(settings.store_address) as reader,
        closing(Writer(settings.store_address)) as writer,
        progress() as shown,
    ):
        bar = shown.add_task("pruning", total=None)
        for chosen in prunable(reader, before):
            prune_contents(writer, now, chosen)
            pruned += len(chosen)
            shown.update(bar, description=f"pruned {pruned}")
    out.print(f"pruned {pruned} messages")
