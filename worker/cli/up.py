"""`ostinato up`."""

import secrets
import signal
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event, Thread
from types import FrameType
from typing import Annotated

import typer
from rich.live import Live

from ostinato.errors import OstinatoError
from ostinato.settings.environment import read_settings
from store.reading.records import Stats
from store.reading.store import Store
from worker.broker.kinds import broker_client
from worker.cli.output import err, harmless, out
from worker.processes.child import ChildSpec
from worker.processes.services import FLOWER_PORT, Services
from worker.processes.supervisor import CouldNotStart, Exited, Restarting, Started, Supervisor
from worker.processes.supervisor import Event as Happening
from worker.settings import Settings

_EVERY = 1.0
_QUIET_EVERY = 10.0


def up(
    *,
    flower: Annotated[bool, typer.Option("--flower", help="The dashboard too, on 127.0.0.1, with a password.")] = False,
) -> None:
    """Run broker (embedded unless OSTINATO_BROKER_URL is set), worker and beat until Ctrl-C.

    Exit code 2 if one runs in this home folder already, or if a part could not start; 3 if a broker at a URL does not
    answer.
    """
    settings = read_settings(Settings)
    if not settings.embedded_broker:
        with closing(broker_client(settings)) as broker:
            broker.state()
    auth = (settings.flower_auth or f"ostinato:{secrets.token_urlsafe(12)}") if flower else None
    with Services(settings, flower_auth=auth) as specs, Supervisor(specs, _saying(specs)) as supervisor:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _calling(supervisor.request_stop))
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


def _calling(action: Callable[[], None]) -> Callable[[int, FrameType | None], None]:
    def handle(_number: int, _frame: FrameType | None) -> None:
        action()

    return handle


def _saying(specs: Sequence[ChildSpec]) -> Callable[[Happening], None]:
    logs = {spec.name: spec.log for spec in specs}
    # On a terminal the line that changes belongs to `out`: what goes past it would be written onto that line.
    to = out if out.is_terminal and err.is_terminal else err

    def say(happening: Happening) -> None:
        if said := _said(happening, logs):
            to.print(harmless(said), soft_wrap=True)

    return say


def _said(happening: Happening, logs: Mapping[str, Path | None]) -> str:
    """A line about it; empty for what was asked for."""
    match happening:
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
    """Show what happens: on a terminal a line that changes, elsewhere a new line now and then."""
    stop = Event()
    thread = Thread(target=_show, args=(settings, stop), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _show(settings: Settings, stop: Event) -> None:
    broker, last = broker_client(settings), ""
    with Store(settings.store_address) as store, Live(console=out, auto_refresh=False, transient=True) as live:
        applied: int | None = None
        every = _EVERY if out.is_terminal else _QUIET_EVERY
        while True:
            try:
                stats = store.stats()
                rate = 0.0 if applied is None else (stats.applied - applied) / every
                line, applied = _line(stats, broker.state().queued, rate), stats.applied
            except OstinatoError as error:
                line = str(error)
            if out.is_terminal:
                live.update(harmless(line), refresh=True)
            elif line != last:
                out.print(harmless(line), soft_wrap=True)
            last = line
            if stop.wait(every):
                broker.close()
                return


def _line(stats: Stats, queued: int, rate: float) -> str:
    return (
        f"queued {queued} · applied {stats.applied} ({rate:.0f}/s) · parked {stats.parked} · "
        f"quarantined {stats.quarantined} · patterns {stats.patterns}"
    )
