"""`ostinato outbox`."""

import time
from typing import Annotated

import typer
from rich.table import Table

from ostinato.outbox.forwarder import Forwarder
from ostinato.outbox.inspection import OutboxState, states
from ostinato.settings.environment import read_settings
from ostinato.settings.outbox import OutboxSettings
from worker.cli.output import AsJson, err, iso, out, print_json, progress

commands = typer.Typer(help="Look at what producers have recorded, and send what waits.", no_args_is_help=True)
_POLL = 0.1


@commands.command("status")
def status(*, as_json: AsJson = False) -> None:
    """Say what waits for the broker in each outbox; exit code 1 while anything does, or a file cannot be read.

    An outbox without a process was left by one that has ended: the next producer sends what waits there.
    """
    found = states(read_settings(OutboxSettings).outbox_folder)
    if as_json:
        print_json([_record(each) for each in found])
    else:
        out.print(_table(found))
    if say_problems(found) or any(each.contents.waiting for each in found):
        raise typer.Exit(1)


@commands.command("flush")
def flush(*, timeout: Annotated[float, typer.Option(min=0, help="Give up after so many seconds.")] = 30) -> None:
    """Send what processes have left behind that have ended, and wait until those that run have sent theirs.

    Exit code 1 if anything still waits at the end or a file cannot be read, 3 if the broker does not answer.
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
    """Say what is wrong with the files that cannot be read; whether there are any."""
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
