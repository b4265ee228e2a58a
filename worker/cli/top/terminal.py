"""The terminal of a view that fills it: keys, signals and size; it is left as it was found."""

import os
import select
import signal
import sys
import termios
import tty
from contextlib import suppress
from enum import Enum
from types import FrameType
from typing import Any, Self

from rich.console import Console, RenderableType
from rich.live import Live

_NO_WRAP, _WRAP = "\x1b[?7l", "\x1b[?7h"
_QUIT = (b"q", b"Q", b"\x03", b"\x04")
_WATCHED = (signal.SIGWINCH, signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP)


class Sign(Enum):
    """What may happen while somebody watches."""

    LEAVE = "leave"
    SUSPEND = "suspend"
    DRAW = "draw"


class Attention:
    """Waits for keys of standard input, if that is a terminal, for signals, and for `wake`; a context manager.

    Meanwhile keys come one by one and are not shown, and signals do nothing but end the waiting.
    """

    def __init__(self) -> None:
        self._stdin = sys.stdin.fileno() if sys.stdin is not None and sys.stdin.isatty() else None
        self._modes: list[Any] | None = None
        self._handlers: dict[int, Any] = {}

    def wait(self) -> Sign:
        """Return at the first thing that happens, with what to do about it."""
        while True:
            watched = [self._awake, *([] if self._stdin is None else [self._stdin])]
            ready, _, _ = select.select(watched, [], [])
            if self._stdin in ready and self._key():
                return Sign.LEAVE
            if self._awake in ready:
                return _sign(os.read(self._awake, 1_000))

    def wake(self) -> None:
        """End a waiting with `Sign.DRAW`; from any thread."""
        with suppress(OSError):
            os.write(self._waker, b"\0")

    def suspend(self) -> None:
        """Stop this process as Ctrl-Z does, with the terminal as it was; returns when it goes on."""
        self._release()
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, _nothing)
        self._take()

    def __enter__(self) -> Self:
        self._awake, self._waker = os.pipe()
        os.set_blocking(self._awake, False)
        os.set_blocking(self._waker, False)
        self._handlers = {number: signal.signal(number, _nothing) for number in _WATCHED}
        signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)
        self._take()
        return self

    def __exit__(self, *_: object) -> None:
        self._release()
        signal.set_wakeup_fd(-1)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        # The other end stays open: a thread that is late writes to nobody, and not to what has its number by then.
        os.close(self._awake)

    def _key(self) -> bool:
        """Whether a key means to leave; so does the end of the terminal."""
        keys = os.read(self._stdin, 1_000) if self._stdin is not None else b""
        return not keys or any(key in keys for key in _QUIT)

    def _take(self) -> None:
        if self._stdin is not None:
            self._modes = termios.tcgetattr(self._stdin)
            tty.setcbreak(self._stdin)

    def _release(self) -> None:
        if self._stdin is not None and self._modes is not None:
            # A terminal that was closed has no modes any more.
            with suppress(termios.error):
                termios.tcsetattr(self._stdin, termios.TCSADRAIN, self._modes)


class View:
    """Draws frames that fill the terminal, in its alternate screen; a context manager."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, screen=True, auto_refresh=False)

    def draw(self, frame: RenderableType) -> None:
        """Show this instead of what is there."""
        self._live.update(frame, refresh=True)

    def __enter__(self) -> Self:
        self._live.start()
        # Terminals and we may differ about how wide a character is: what does not fit is to be cut off.
        self._write(_NO_WRAP)
        return self

    def __exit__(self, *_: object) -> None:
        # A terminal that was closed takes nothing any more.
        with suppress(OSError):
            self._write(_WRAP)
            self._live.stop()

    def _write(self, text: str) -> None:
        self._console.file.write(text)
        self._console.file.flush()


class Scroll:
    """Draws frames one below the other, for a terminal that can do nothing else."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def draw(self, frame: RenderableType) -> None:
        """Print it, and a blank line."""
        self._console.print(frame)
        self._console.print()


def _sign(wakers: bytes) -> Sign:
    """What the numbers of signals, or a waking, ask for; the most pressing, if there are several."""
    if any(number in wakers for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)):
        return Sign.LEAVE
    return Sign.SUSPEND if signal.SIGTSTP in wakers else Sign.DRAW


def _nothing(_number: int, _frame: FrameType | None) -> None:
    """The number goes to the pipe all the same."""
