"""`ostinato top`."""

import sys
import time
from contextlib import closing, suppress
from typing import Annotated

import typer

from ostinato.settings.environment import read_settings
from store.reading.ranking import Filters
from worker.cli.options import IncludeInactive, Limit, MinPriority, OfInstrument, OfType, WithTag
from worker.cli.output import out
from worker.cli.top.frame import frame
from worker.cli.top.sight import Looking
from worker.settings import Settings

_LONGEST = 3_600.0


def top(  # noqa: PLR0913 - one option for each filter
    *,
    interval: Annotated[float, typer.Option(min=0.5, max=_LONGEST, help="Seconds between two looks.")] = 2.0,
    pattern_type: OfType = None,
    tag: WithTag = None,
    instrument: OfInstrument = None,
    min_priority: MinPriority = 0.01,
    limit: Limit = 100,
    include_inactive: IncludeInactive = False,
    once: Annotated[
        bool, typer.Option("--once", help="Look once and end; implied if the output is no terminal.")
    ] = False,
) -> None:
    """Watch the ranking, the incoming messages and the queue live.

    q or Ctrl-C ends the view. It shows as many patterns as the terminal has room for. If the store or the broker does
    not answer, the view says so, and goes on when it is back. With a single look, the exit code is 3 if the broker does
    not answer, and 4 if the store does not.
    """
    filters = Filters(
        pattern_type=pattern_type,
        min_priority=min_priority,
        context_tags=tuple(tag or ()),
        instrument_name=instrument,
        include_inactive=include_inactive,
    )
    looking = Looking(read_settings(Settings), filters, limit)
    if once or not sys.stdout.isatty():
        _look_once(looking)
    elif out.is_dumb_terminal or not (sys.stdin.isatty() and sys.stderr.isatty()):
        _scroll(looking, interval)
    else:
        _view(looking, interval)


def _look_once(looking: Looking) -> None:
    with closing(looking):
        sight = looking.look()
    out.print(frame(sight, width=out.width))
    if sight.store_trouble or sight.broker_trouble:
        raise typer.Exit(4 if sight.store_trouble else 3)


def _scroll(looking: Looking, interval: float) -> None:
    """Print frames one below the other until Ctrl-C, on a terminal that can do nothing else."""
    hint = f"every {interval:g} s; Ctrl-C ends"
    with closing(looking), suppress(KeyboardInterrupt):
        while True:
            out.print(frame(looking.look(), width=out.width, height=out.height, hint=hint), end="\n\n")
            time.sleep(interval)


def _view(looking: Looking, interval: float) -> None:
    from worker.cli.top.view import View  # noqa: PLC0415 - nothing else waits for Textual

    if failure := View(looking, looking.look(), interval).run(mouse=False):
        raise failure
