"""`ostinato outbox`."""

import time
from typing import Annotated

import typer
from rich.table import Table

from ostinato.outbox.forwarder import Forwarder
from ostinato.outbox.inspection import OutboxState, states
from ostinato.settings.environment import read_settings
from ostinato.settings.outbox import OutboxSettings
from worker.cli.options import AsJson
from worker.cli.output import (
    err,
    iso,
    out,
    print_json,
    progress,
)

commands = typer.Typer(no_args_is_help=True)
_POLL = 0.1


@commands.command("status")
def status(*, as_json: AsJson = False) -> None:
    """Show how many messages wait for the broker in each outbox.

    An outbox whose process has ended is abandoned: the next producer sends what waits there. The exit code is 1 while a
    message waits, or if a file cannot be read.
    """
    found = states(read_settings(OutboxSettings).outbox_folder)
    if as_json:
        print_json([_record(each) for each in found])
    else:
        out.print(_table(found))
    if say_problems(found) or any(each.contents.waiting for each in found):
        raise typer.Exit(1)


@commands.command("flush")
def flush(*, timeout: Annotated[float, typer.Option(min=0, help="Give up after this many seconds.")] = 30) -> None:
    """Send the messages of abandoned outboxes, and wait until running processes have sent theirs.

    The exit code is 1 if a message still waits at the end or a file cannot be read, and 3 if the broker does not
    answer.
    """
    settings = read_settings(OutboxSettings)
    deadline = time.monotonic() + timeout
    with Forwarder(settings) as forwarder, progress() as shown:
        bar = shown.add_task("sending", total=None)
        sent = 0
        while True:
            sent += (now := forwarder.forward_abandoned())
            found = states(settings.outbox_folder)
            waiting = sum(each.contents.waiting for each in found)
            shown.update(bar, description=f"sent {sent}, {waiting} wait")
            if not waiting or time.monotonic() >= deadline:
                break
            if not now:
                time.sleep(_POLL)
    out.print(f"sent {sent}, waiting {waiting}")
    if say_problems(found) or waiting:
        raise typer.Exit(1)


def say_problems(found: list[OutboxState]) -> bool:
    """Print what is wrong with each file that cannot be read; return whether there are any."""
    problems = [each.contents.problem for each in found if each.contents.problem]
    for problem in problems:
        err.print(problem, soft_wrap=True)
    return bool(problems)


def _table(found: list[OutboxState]) -> Table:
    table = Table("outbox", "process", "waiting", "since", "kept", "bytes", box=None, pad_edge=False)
    for each in found:
        process = "ended" if each.process is None else str(each.process)
        waiting, oldest, kept, _ = each.contents
        table.add_row(each.path.name, process, str(waiting), iso(oldest) or "-", str(kept), str(each.size))
    return table


def _record(state: OutboxState) -> dict[str, object]:
    found = {**state.contents._asdict(), "oldest": iso(state.contents.oldest)}
    return {"path": str(state.path), "process": state.process, "size": state.size, **found}
