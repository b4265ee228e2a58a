"""`ostinato reconcile`."""

import time
from contextlib import closing
from typing import Annotated

import typer

from ostinato.outbox.forwarder import Forwarder
from ostinato.outbox.inspection import states
from ostinato.settings.environment import read_settings
from store.reading.store import Store
from worker.broker.kinds import broker_client
from worker.cli.outbox import say_problems
from worker.cli.output import err, out, progress
from worker.recovery.reconciling import Reconciled, forwarded_so_far
from worker.recovery.reconciling import reconcile as reconciled
from worker.settings import Settings

_POLL = 0.1


def reconcile(
    *,
    now: Annotated[bool, typer.Option("--now", help="Do not wait for the queue to be empty.")] = False,
    timeout: Annotated[float, typer.Option(min=0, help="Give up waiting for that after so many seconds.")] = 300,
) -> None:
    """Send again what the broker had taken from this machine's outboxes and the store never got.

    For a broker that lost its disk or was emptied. What the queue holds is not lost: unless told `--now`, this waits
    until it was empty once. Either way no message is applied twice. Exit code 1 if the queue did not become empty,
    or an outbox cannot be read.
    """
    settings = read_settings(Settings)
    upto = forwarded_so_far(settings.outbox_folder)
    if not now and (queued := _still_queued(settings, timeout)):
        err.print(f"The queue still holds {queued}: is a worker running? `--now` does not wait for it.", soft_wrap=True)
        raise typer.Exit(1)
    done = Reconciled(0, 0)
    with Store(settings.store_address) as store, Forwarder(settings) as forwarder, progress() as shown:
        bar = shown.add_task("reconciling", total=None)
        for done in reconciled(store, forwarder, upto):
            shown.update(bar, description=f"looked for {done.looked_for}, sent {done.sent_again} again")
    out.print(f"looked for {done.looked_for}, sent {done.sent_again} again")
    if say_problems(states(settings.outbox_folder)):
        raise typer.Exit(1)


def _still_queued(settings: Settings, timeout: float) -> int:
    """Wait until the queue is empty; how many messages it holds where that took too long."""
    deadline = time.monotonic() + timeout
    with closing(broker_client(settings)) as broker:
        while (queued := broker.state().queued) and time.monotonic() <= deadline:
            time.sleep(_POLL)
    return queued
