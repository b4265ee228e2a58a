"""`ostinato send`."""

import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Annotated, BinaryIO

import typer

from ostinato.errors import BrokerUnavailable, ConfigurationError, MalformedMessage
from ostinato.messages.models import BATCH_COUNT
from ostinato.messages.wire import encode, read_line
from ostinato.outbox.file import Entry
from ostinato.outbox.forwarder import Forwarder
from ostinato.outbox.sender import COALESCE_SECONDS
from ostinato.reasons import Reason
from ostinato.settings.environment import read_settings
from ostinato.settings.outbox import OutboxSettings
from worker.cli.output import err, harmless, out, progress

_AHEAD = 2 * BATCH_COUNT
_Lines = Queue[tuple[int, bytes] | OSError | None]


def send(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="JSON lines, one message each; - for standard input.")],
) -> None:
    """Send messages, one JSON object a line. A missing `id` or `occurred_at` is filled in.

    They travel in batches: lines that come within 50 ms share one. A bad line is reported by its number and the reason,
    and the other lines are sent. The exit code is 1 if a line was bad, and 3 if the broker stops answering: the error
    names the first line that was not sent.
    """
    bad = 0
    settings = read_settings(OutboxSettings)
    with _opened(file) as lines, Forwarder(settings) as forwarder, progress() as shown:
        bar = shown.add_task("sending", total=None)
        sending = _Sending(forwarder, BATCH_COUNT * settings.lanes)
        for number, line in _as_they_come(lines, sending.flush):
            try:
                sending.add(number, line)
            except MalformedMessage as error:
                bad += 1
                err.print(f"line {number}: {harmless(str(error))}", soft_wrap=True)
            shown.update(bar, description=f"sent {sending.sent}")
        sending.flush()
    out.print(f"sent {sending.sent}, bad {bad}")
    if bad:
        raise typer.Exit(1)


class _Sending:
    """Gathers messages and sends them in batches. Each is an entry, numbered by its line."""

    def __init__(self, forwarder: Forwarder, most: int) -> None:
        self.sent = 0
        self._forwarder = forwarder
        self._most = most
        self._entries: list[Entry] = []

    def add(self, number: int, line: bytes) -> None:
        """Take a line; MalformedMessage if it is not a message, BrokerUnavailable."""
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            raise MalformedMessage(Reason.NOT_UTF8, f"byte {error.start} is not UTF-8") from None
        message = read_line(text)
        self._entries.append(Entry(number, str(message.id), message.KIND, encode(message)))
        if len(self._entries) == self._most:
            self._send_some()

    def flush(self) -> None:
        """Send what is gathered; BrokerUnavailable, naming the first line that was not sent."""
        while self._entries:
            self._send_some()

    def _send_some(self) -> None:
        try:
            count = self._forwarder.publish_some(self._entries)
        except BrokerUnavailable as error:
            first = self._entries[0].seq
            raise BrokerUnavailable(f"{error} The lines before line {first} are sent; send the rest later.") from error
        del self._entries[:count]
        self.sent += count


def _as_they_come(lines: BinaryIO, when_none_comes: Callable[[], None]) -> Iterator[tuple[int, bytes]]:
    """Yield each line that is not empty, with its number; call ``when_none_comes`` after a moment without a line."""
    queue: _Lines = Queue(_AHEAD)
    Thread(target=_read, args=(lines, queue), daemon=True).start()
    last = 0
    while True:
        try:
            found = queue.get(timeout=COALESCE_SECONDS)
        except Empty:
            when_none_comes()
            found = queue.get()
        if found is None:
            return
        if isinstance(found, OSError):
            when_none_comes()
            raise ConfigurationError(
                f"The lines after line {last} cannot be read: {found.strerror}. Those before are sent."
            )
        last = found[0]
        yield found


def _read(lines: BinaryIO, queue: _Lines) -> None:
    try:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                queue.put((number, line))
    except OSError as error:
        queue.put(error)
    queue.put(None)


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
