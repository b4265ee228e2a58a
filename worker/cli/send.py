"""`ostinato send`."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from celery import Celery

from store.errors import BrokerUnavailable, ConfigurationError, MalformedMessage
from tasks.broker import BrokerSettings, read_settings
from tasks.publishing import producer_app, publish
from tasks.wire import read_line
from worker.cli.output import err, harmless, out, progress

_STEP = 50


def send(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="JSON lines, one message each; - for standard input.")],
) -> None:
    """Send messages: one JSON object a line; `id` and `occurred_at` are filled in where they are missing.

    A bad line is reported by its number with the reason, and the rest is sent; exit code 1 if any line was bad.
    Exit code 3 if the broker went away: the message says which line was the last one sent.
    """
    app = producer_app(read_settings(BrokerSettings))
    sent = bad = 0
    with _opened(file) as lines, progress() as shown:
        bar = shown.add_task("sending", total=None)
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                _send_line(app, line, number)
                sent += 1
            except MalformedMessage as error:
                bad += 1
                err.print(f"line {number}: {harmless(str(error))}", soft_wrap=True)
            if number % _STEP == 0:
                shown.update(bar, description=f"sent {sent}")
    out.print(f"sent {sent}, bad {bad}")
    if bad:
        raise typer.Exit(1)


def _send_line(app: Celery, line: bytes, number: int) -> None:
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        raise MalformedMessage("not_utf8", f"byte {error.start} is not UTF-8") from None
    message = read_line(text)
    try:
        publish(app, message)
    except BrokerUnavailable as error:
        raise BrokerUnavailable(f"{error} The lines before line {number} are sent; send the rest later.") from error


@contextmanager
def _opened(file: str) -> Generator[BinaryIO]:
    if file == "-":
        yield sys.stdin.buffer
        return
    try:
        with Path(file).open("rb") as lines:
            yield lines
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}.") from None
