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
    now: Annotated[bool, typer.Option("--now", help="Do not wait until the queue is empty.")] = False,
    timeout: Annotated[float, typer.Option(min=0, help="Give up waiting after this many seconds.")] = 300,
) -> None:
    """Send again what a broker lost.

    That is every message that the broker took from an outbox of this machine and the store never received. Use it after
    the broker has lost its disk or was emptied. Queued messages are not lost, so the command first waits until the
    queue is empty; --now skips that. In both cases no message is applied twice. The exit code is 1 if the queue did not
    become empty, or if an outbox cannot be read.
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
    """Wait until the queue is empty; the number of messages that it holds at the timeout, else 0."""
    deadline = time.monotonic() + timeout
    with closing(broker_client(settings)) as broker:
        while (queued := broker.state().queued) and time.monotonic() <= deadline:
            time.sleep(_POLL)
    return queued
