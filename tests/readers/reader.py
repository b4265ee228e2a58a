"""A reader who does what a page says, in a shell, from top to bottom."""

import os
import shlex
import signal
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple, Self

from tests.product import Finished, Product
from tests.readers.pages import INTERRUPT, Command, Program, fits
from tests.waiting import comes_true, ended, wait_until
from worker.processes.child import Child

# What ends by Ctrl-C only runs beside the rest; so does whatever its comment says that of.
_ENDLESS = ("ostinato up", "celery -A worker worker", "celery -A worker beat", "celery -A worker flower")
_UNTIL = "until Ctrl-C"
# What shows how things stand, and is asked again until they stand as the page says: messages take a moment.
_ASKING = (
    "ostinato status",
    "ostinato health",
    "ostinato patterns",
    "ostinato quarantine list",
    "ostinato outbox status",
)
_TAKES_MESSAGES = ("ostinato up", "celery -A worker worker")
# Variables and folder are handed on from command to command, as in one session.
_SCRIPT = """cd -- {folder} || exit 125
exec 2>&1
set -a
{typed}
__code=$?
{{ pwd; env -0; }} >{state}
exit $__code
"""
_OF_THE_SHELL = {"_", "__code", "SHLVL", "PWD", "OLDPWD"}


class Beside(NamedTuple):
    """A command that runs beside the others; its log is `product.log(name)`."""

    name: str
    child: Child


class Reader:
    """One shell session in a folder; ``here`` says of a text of the page what it is on this machine.

    A context manager that ends what was left running, which must not have ended by itself.
    """

    def __init__(self, product: Product, folder: Path, here: Callable[[str], str]) -> None:
        self._product, self._folder, self._here = product, folder, here
        self._env: dict[str, str] = {}
        self._beside: list[Beside] = []
        self._open = ExitStack()

    def do(self, step: Command | Program) -> None:
        """Do one step of a page; an AssertionError names it where it does not do what the page says."""
        if isinstance(step, Program):
            file = self._product.home / f"example-{step.place.rpartition(':')[2]}.py"
            file.write_text(self._here(step.text), encoding="utf-8")
            self._run(Command(step.place, f"python3 {file}", "…"))
        elif step.text == INTERRUPT:
            self._interrupt(step)
        elif step.bare.startswith(_ENDLESS) or _UNTIL in step.comment:
            self._start(step)
        else:
            self._run(step)

    def enter(self, typed: str) -> Finished:
        """Run one command to its end; errors are in its output."""
        state = self._product.home / "session"
        script = _SCRIPT.format(folder=shlex.quote(str(self._folder)), typed=typed, state=shlex.quote(str(state)))
        finished = self._product.run("bash", "-c", script, env=self._env)
        folder, _, variables = state.read_bytes().decode().partition("\n")
        self._folder = Path(folder)
        pairs = (each.split("=", 1) for each in variables.split("\0") if each)
        self._env = {name: value for name, value in pairs if name not in _OF_THE_SHELL}
        return finished

    def answers(self, typed: str) -> bool:
        """Whether a command ends with 0."""
        return self.enter(typed).code == 0

    def _run(self, step: Command) -> None:
        last = Finished(0, "", "")

        def done() -> bool:
            nonlocal last
            last = self.enter(self._here(step.text))
            return last.code in step.codes and (not step.shown or fits(self._here(step.shown), last.out))

        found = comes_true(done) if step.bare.startswith(_ASKING) else done()
        assert found, f"{step.place}: `{step.text}` ended with {last.code} and wrote:\n{last.out}"

    def _start(self, step: Command) -> None:
        name = f"beside-{len(self._beside)}"
        typed = ["bash", "-c", f"cd -- {shlex.quote(str(self._folder))} && exec env {self._here(step.text)}"]
        child = self._open.enter_context(self._product.start(name, *typed, env=self._env))
        self._beside.append(Beside(name, child))
        if step.bare.startswith(_TAKES_MESSAGES):
            health = f"{self._here(step.variables)}ostinato health worker"
            why = f"{step.place} takes messages"
            wait_until(lambda: self.answers(health) or self._broken(), why=why)
        shown = f"{self._here(step.shown)}\n…".lstrip("\n")
        found = comes_true(lambda: fits(shown, self._product.log(name)) or self._broken())
        assert found, f"{step.place}: `{step.text}` wrote:\n{self._product.log(name)}"

    def _interrupt(self, step: Command) -> None:
        name, child = self._beside.pop()
        os.killpg(child.pid, signal.SIGINT)
        ended(child)
        log = self._product.log(name)
        assert fits(f"…\n{step.shown}", log), f"{step.place}: after Ctrl-C it wrote\n{log}"

    def _broken(self) -> bool:
        """False; an AssertionError, with its log, if something that has to run beside the rest has ended."""
        ended = [f"{name}:\n{self._product.log(name)}" for name, child in self._beside if child.poll() is not None]
        assert [] == ended
        return False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        with self._open:
            if kind is None:
                self._broken()
