"""A command on a terminal of its own, and what a person in front of it would see."""

import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, Self, cast

import pyte

from tests.waiting import wait_until

# Begins a session whose terminal is standard input, and becomes the command.
_IN_FRONT = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"
# 39 and 49 are the terminal's own colours.
_COLOURS = re.compile(rb"\x1b\[(?:[\d;]*;)?(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;[\d;]*)?m")


class _Screen(Protocol):
    """What is used of pyte's, which has no types."""

    display: Sequence[str]

    def resize(self, lines: int, columns: int) -> None: ...


class Terminal:
    """Runs a command in front of a terminal of this size; a context manager that ends it.

    ``raw`` is every byte that the command has written to it.
    """

    def __init__(
        self,
        *command: str,
        env: Mapping[str, str],
        cwd: Path,
        columns: int = 80,
        lines: int = 24,
        term: str = "xterm-256color",
    ) -> None:
        self._master, self._slave = os.openpty()
        os.set_blocking(self._master, False)
        terminal: Any = cast("Any", pyte)
        self._screen: _Screen = terminal.Screen(columns, lines)
        self._stream = terminal.ByteStream(self._screen)
        self.raw = b""
        self._resize(columns, lines)
        self.modes_before = self.modes()
        self._process = subprocess.Popen(
            [sys.executable, "-c", _IN_FRONT, *command],
            env={**env, "TERM": term},
            cwd=cwd,
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            start_new_session=True,
        )

    def lines(self) -> list[str]:
        """What stands on the screen, line by line, without blanks at their ends."""
        while select.select([self._master], [], [], 0)[0]:
            read = os.read(self._master, 65_536)
            self.raw += read
            self._stream.feed(read)
        return [line.rstrip() for line in self._screen.display]

    def text(self) -> str:
        """The same in one piece."""
        return "\n".join(self.lines())

    def wait_for(self, *parts: str, without: str | None = None) -> str:
        """The screen, once all of these stand on it, and this one does not."""

        def reached() -> bool:
            text = self.text()
            return all(part in text for part in parts) and (without is None or without not in text)

        wait_until(reached, why=f"{parts} on the screen, without {without!r}")
        return self.text()

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._master, keys)

    def signal(self, number: signal.Signals) -> None:
        """Send the command a signal."""
        self._process.send_signal(number)

    def resize(self, columns: int, lines: int) -> None:
        """Change the size of the window."""
        self._screen.resize(lines, columns)
        self._resize(columns, lines)

    def ended(self) -> int:
        """The command's exit code, once it has ended."""
        wait_until(lambda: (self.lines(), self._process.poll() is not None)[1], why="the end")
        self.lines()
        return self._process.returncode

    def modes(self) -> list[Any]:
        """How the terminal takes keys."""
        return termios.tcgetattr(self._slave)

    def colours(self) -> list[bytes]:
        """Every sequence that chose a colour."""
        return _COLOURS.findall(self.raw)

    def switched(self, mode: int) -> list[str]:
        """How a private mode was switched, in order: ``h`` on, ``l`` off."""
        return [each.decode() for each in re.findall(rb"\x1b\[\?%d([hl])" % mode, self.raw)]

    def _resize(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._master)
        os.close(self._slave)
