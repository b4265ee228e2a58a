"""The frame on a whole terminal, drawn by Textual."""

import asyncio
import signal
from typing import ClassVar

from rich.console import RenderableType
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.widget import Widget
from typing_extensions import override

from worker.cli.top.frame import frame
from worker.cli.top.sight import Looking, Sight
from worker.repeating import Repeating

# A look that hangs does not hold up the end.
_PATIENCE = 0.2


class _Frame(Widget):
    def __init__(self, sight: Sight, hint: str) -> None:
        super().__init__()
        self.sight, self._hint = sight, hint

    @override
    def render(self) -> RenderableType:
        return frame(self.sight, width=self.size.width, height=self.size.height, hint=self._hint)


class View(App[Exception]):
    """Shows a sight, and a new one every ``every`` seconds, until a key or a signal ends it.

    `run` returns an error of `Looking.look`, which is a defect, and otherwise None.
    """

    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [("q,Q,ctrl+c,ctrl+d", "quit"), ("ctrl+z", "suspend_process")]

    def __init__(self, looking: Looking, sight: Sight, every: float) -> None:
        # Terminals have colours of their own: no theme is painted over them.
        super().__init__(ansi_color=True)
        self._looking = looking
        self._frame = _Frame(sight, f"every {every:g} s; q ends")
        # In a thread: a look that waits for the broker holds up no key.
        self._repeating = Repeating(every, self._look, "looking")

    @override
    def compose(self) -> ComposeResult:
        yield self._frame

    def on_load(self) -> None:
        """Let signals end the view as keys do; the terminal is still as it was."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self.exit)

    def on_mount(self) -> None:
        """Begin to look."""
        self._repeating.start()

    def on_unmount(self) -> None:
        """End the looking."""
        self._repeating.stop(_PATIENCE)

    def _look(self) -> None:
        try:
            self._frame.sight = self._looking.look()
        except Exception as error:  # noqa: BLE001 - the caller of `run` gets it
            self.call_later(self.exit, error)
        else:
            self.call_later(self._frame.refresh)
