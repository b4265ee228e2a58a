"""`ostinato top`."""

import sys
from contextlib import closing
from typing import Annotated

import typer

from ostinato.settings.environment import read_settings
from store.reading.ranking import Filters
from worker.cli.output import out
from worker.cli.patterns import IncludeInactive, Limit, MinPriority, OfInstrument, OfType, WithTag
from worker.cli.top.frame import frame
from worker.cli.top.looker import Looker
from worker.cli.top.sight import Looking
from worker.cli.top.terminal import Attention, Scroll, Sign, View
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
    once: Annotated[bool, typer.Option("--once", help="One look, and the end; so where this is no terminal.")] = False,
) -> None:
    """Watch the ranking, what comes in and what waits, until q or Ctrl-C.

    As many of the first patterns as the terminal has room for. A store or broker that is away is named, and the view
    goes on when it is back. With one look only, exit code 3 if the broker and 4 if the store does not answer.
    """
    settings = read_settings(Settings)
    filters = Filters(
        pattern_type=pattern_type,
        min_priority=min_priority,
        context_tags=tuple(tag or ()),
        instrument_name=instrument,
        include_inactive=include_inactive,
    )
    looking = Looking(settings, filters, limit)
    if once or not sys.stdout.isatty():
        _look_once(looking)
    else:
        _watch(looking, interval)


def _look_once(looking: Looking) -> None:
    with closing(looking):
        sight = looking.look()
    out.print(frame(sight, width=out.width))
    if sight.store_trouble or sight.broker_trouble:
        raise typer.Exit(4 if sight.store_trouble else 3)


def _watch(looking: Looking, interval: float) -> None:
    hint = f"every {interval:g} s; q ends"
    with Attention() as attention, Looker(looking, interval, attention.wake) as looker:
        while drawn(looker, attention, hint) is Sign.SUSPEND:
            attention.suspend()


def drawn(looker: Looker, attention: Attention, hint: str) -> Sign:
    """Draw what is seen until there is something else to do."""
    if out.is_dumb_terminal:
        scroll = Scroll(out)
        while (sign := attention.wait()) is Sign.DRAW:
            if sight := looker.sight():
                scroll.draw(frame(sight, width=out.width, height=out.height, hint=hint))
        return sign
    with View(out) as view:
        sign = Sign.DRAW
        while sign is Sign.DRAW:
            sight = looker.sight()
            view.draw("Looking …" if sight is None else frame(sight, width=out.width, height=out.height, hint=hint))
            sign = attention.wait()
    return sign
