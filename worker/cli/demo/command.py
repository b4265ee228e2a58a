"""`ostinato demo`."""

import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ostinato.errors import OstinatoError
from ostinato.messages.models import RecalculateAllPatternPriorities
from ostinato.publishing.publisher import producer_app, publish
from store.errors import StoreUnavailable
from store.reading.records import Stats
from store.reading.store import Store
from worker.cli.demo.sample import sample_lines
from worker.cli.output import err, harmless, out, progress
from worker.cli.patterns import ranking
from worker.processes.child import Child, ChildSpec
from worker.processes.services import Services
from worker.processes.supervisor import Supervisor
from worker.settings import Settings

PRODUCERS = 4
_POLL = 0.1
_STUCK_SECONDS = 60.0
_SHOWN = 15


def demo() -> None:
    """Send a sample of real messages through a broker into a temporary store.

    The messages are what the linter ruff found in Python's standard library, and whether its fixes worked. Four
    processes send them; a worker applies them; then the ranking is shown. The demo takes seconds, leaves nothing
    running and touches no other store.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="ostinato-demo-") as folder:
        settings = Settings(home=Path(folder), broker_url=None, store_url=None)
        begun = time.monotonic()
        with Services(settings) as specs, Supervisor(specs, lambda _: None):
            err.print("A broker, a worker and beat run in a temporary folder.")
            try:
                _run(settings, Path(folder))
            except OstinatoError:
                _show_logs(Path(folder))
                raise
        err.print(f"All stopped after {time.monotonic() - begun:.1f} s.")


def _run(settings: Settings, folder: Path) -> None:
    lines = list(sample_lines())
    begun = time.monotonic()
    with Store(settings.store_address) as store:
        # Beat first sends the slot that it may have missed: one message that is not in the sample.
        _until(lambda: store.stats().last_recalculation is not None, "the worker and beat to start")
        before = store.stats().received
        with _producers(settings, folder, lines) as producers:
            _wait_for(store, producers, before + len(lines))
        seconds = time.monotonic() - begun
        _recalculate(settings, store)
        out.print(ranking(store.patterns(limit=_SHOWN)))
        _account(store.stats(), before, len(lines), seconds)


@contextmanager
def _producers(settings: Settings, folder: Path, lines: Sequence[str]) -> Generator[list[Child]]:
    with ExitStack() as running:
        yield [
            running.enter_context(_producer(settings, folder, number, lines[number::PRODUCERS]))
            for number in range(PRODUCERS)
        ]


def _producer(settings: Settings, folder: Path, number: int, lines: Sequence[str]) -> Child:
    file = folder / f"producer-{number}.jsonl"
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return Child.start(
        ChildSpec(
            f"producer-{number}",
            [sys.executable, "-m", "worker.cli", "send", str(file)],
            env={**os.environ, "OSTINATO_HOME": str(settings.home), "OSTINATO_BROKER_URL": ""},
            log=folder / "logs" / f"producer-{number}.log",
        )
    )


def _wait_for(store: Store, producers: Sequence[Child], expected: int) -> None:
    arrived, since = -1, time.monotonic()
    with progress() as shown:
        bar = shown.add_task(f"{PRODUCERS} producers send, one worker applies", total=expected)
        while arrived < expected:
            time.sleep(_POLL)
            now = store.stats().received
            shown.update(bar, completed=now)
            if now != arrived:
                arrived, since = now, time.monotonic()
            failed = [each.name for each in producers if each.poll() not in {None, 0}]
            if failed or time.monotonic() - since > _STUCK_SECONDS:
                raise StoreUnavailable(
                    f"{arrived} of {expected} messages arrived; failed: {', '.join(failed) or 'none'}."
                )


def _show_logs(folder: Path) -> None:
    for log in sorted((folder / "logs").glob("*.log")):
        for line in log.read_text(errors="replace").splitlines()[-3:]:
            err.print(f"{log.stem}: {harmless(line)}", soft_wrap=True)


def _recalculate(settings: Settings, store: Store) -> None:
    message = RecalculateAllPatternPriorities()
    publish(producer_app(settings), message)
    _until(lambda: store.recalculated(str(message.id)), "the recalculation")


def _until(done: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _STUCK_SECONDS
    while not done():
        if time.monotonic() > deadline:
            raise StoreUnavailable(f"Waited {_STUCK_SECONDS:.0f} s for {what}, in vain.")
        time.sleep(_POLL)


def _account(stats: Stats, before: int, sent: int, seconds: float) -> None:
    # The recalculation at the end is a message too.
    applied = stats.applied - before - 1
    out.print(
        f"\n{sent} sent = {applied} applied + {stats.parked} parked + {stats.quarantined} quarantined, "
        f"in {seconds:.1f} s ({sent / seconds:.0f} messages a second, from {PRODUCERS} processes, one at a time each)."
    )
    out.print(
        f"{stats.patterns} patterns, {stats.sightings} sightings, {stats.applications} applications; "
        "parked messages wait for a pattern that has not been seen yet."
    )
