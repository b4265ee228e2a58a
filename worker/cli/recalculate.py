"""`ostinato recalculate`."""

import time
from typing import Annotated

import typer

from ostinato.messages.models import RecalculateAllPatternPriorities
from ostinato.publishing.publisher import producer_app, publish
from ostinato.settings.environment import read_settings
from store.reading.store import Store
from worker.cli.output import err, out
from worker.settings import Settings

_POLL = 0.1


def recalculate(
    *,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it is done.")] = False,
    timeout: Annotated[float, typer.Option(min=0, help="With --wait: give up after this many seconds.")] = 300,
) -> None:
    """Have the scores of every pattern recomputed.

    The exit code is 1 if --wait gives up.
    """
    settings = read_settings(Settings)
    message = RecalculateAllPatternPriorities()
    publish(producer_app(settings), message)
    if not wait:
        out.print(f"The recalculation is on its way, as message {message.id}.", soft_wrap=True)
        return
    deadline = time.monotonic() + timeout
    with Store(settings.store_address) as store:
        while not store.recalculated(str(message.id)):
            if time.monotonic() > deadline:
                err.print(
                    "It is not done yet; see `ostinato status` for what is queued and whether a worker answers.",
                    soft_wrap=True,
                )
                raise typer.Exit(1)
            time.sleep(_POLL)
    out.print("Every pattern's scores are recomputed.")
