"""`ostinato up`."""

import secrets
import signal
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.live import Live

from ostinato.errors import OstinatoError
from ostinato.settings.environment import read_settings
from store.reading.store import Store
from worker.broker.client import BrokerClient
from worker.broker.kinds import broker_client
from worker.cli.output import err, harmless, out
from worker.processes.child import ChildSpec
from worker.processes.services import FLOWER_PORT, Services
from worker.processes.supervisor import (
    CouldNotStart,
    Event,
    Exited,
    Restarting,
    Started,
    Supervisor,
)
from worker.repeating import Repeating
from worker.settings import Settings

_EVERY = 1.0
_QUIET_EVERY = 10.0


def up(
    *,
    flower: Annotated[
        bool, typer.Option("--flower", help="Run the dashboard too, on 127.0.0.1, with a password.")
    ] = False,
) -> None:
    """Run the broker, a worker and beat until Ctrl-C.

    The broker is embedded unless OSTINATO_BROKER_URL names one. The exit code is 2 if Ostinato already runs in this
    home folder or a part could not start, and 3 if the named broker does not answer.
    """
    settings = read_settings(Settings)
    if not settings.embedded_broker:
        with closing(broker_client(settings)) as broker:
            broker.state()
    auth = (settings.flower_auth or f"ostinato:{secrets.token_urlsafe(12)}") if flower else None
    with Services(settings, flower_auth=auth) as specs, Supervisor(specs, _saying(specs)) as supervisor:

        def stop(*_: object) -> None:
            supervisor.request_stop()

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, stop)
        out.print(
            f"Ostinato runs; its data and logs are in {harmless(str(settings.home))}. Stop it with Ctrl-C.",
            soft_wrap=True,
        )
        if auth is not None:
            user, _, password = auth.partition(":")
            shown = "as in OSTINATO_FLOWER_AUTH" if settings.flower_auth else password
            out.print(f"Flower: http://127.0.0.1:{FLOWER_PORT} (user {harmless(user)}, password {harmless(shown)})")
        with _live_line(settings):
            supervisor.run()
        out.print("Stopping.")


def _saying(specs: Sequence[ChildSpec]) -> Callable[[Event], None]:
    logs = {spec.name: spec.log for spec in specs}
    # On a terminal `out` draws the live line. Text written past `out` would land in the middle of that line.
    to = out if out.is_terminal and err.is_terminal else err

    def say(event: Event) -> None:
        if said := _said(event, logs):
            to.print(harmless(said), soft_wrap=True)

    return say


def _said(event: Event, logs: Mapping[str, Path | None]) -> str:
    """A line about an event; empty for one that was asked for."""
    match event:
        case Started(name, pid):
            return f"{name} runs, process {pid}"
        case Exited(name, code, expected=False):
            return f"{name} ended with code {code}; its log is {logs[name]}"
        case CouldNotStart(name, reason):
            return f"{name} could not start: {reason}"
        case Restarting(name, delay):
            return f"{name} starts again in {delay:g} s"
        case _:
            return ""


@contextmanager
def _live_line(settings: Settings) -> Generator[None]:
    """Show numbers: on a terminal in a line that changes, elsewhere in a new line when they have changed."""
    every = _EVERY if out.is_terminal else _QUIET_EVERY
    with (
        closing(broker_client(settings)) as broker,
        Store(settings.store_address) as store,
        Live(console=out, auto_refresh=False, transient=True) as live,
    ):
        repeating = Repeating(every, _LiveLine(store, broker, live, every).show, "live-line")
        repeating.start()
        try:
            yield
        finally:
            repeating.stop()


class _LiveLine:
    def __init__(self, store: Store, broker: BrokerClient, live: Live, every: float) -> None:
        self._store, self._broker, self._live, self._every = store, broker, live, every
        self._applied: int | None = None
        self._last = ""

    def show(self) -> None:
        try:
            line = self._numbers()
        except OstinatoError as error:
            line = str(error)
        if out.is_terminal:
            self._live.update(harmless(line), refresh=True)
        elif line != self._last:
            out.print(harmless(line), soft_wrap=True)
        self._last = line

    def _numbers(self) -> str:
        stats, queued = self._store.stats(), self._broker.state().queued
        rate = 0.0 if self._applied is None else (stats.applied - self._applied) / self._every
        self._applied = stats.applied
        return (
            f"queued {queued} · applied {stats.applied} ({rate:.0f}/s) · parked {stats.parked} · "
            f"quarantined {stats.quarantined} · patterns {stats.patterns}"
        )
