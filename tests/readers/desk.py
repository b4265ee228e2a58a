"""Where a reader of the documentation sits: a checkout, a home, a shell, and an Ostinato that runs."""

import json
import os
import shlex
import shutil
import sys
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import dev
from tests.product import Product
from tests.readers.dashboard import only_one
from tests.readers.pages import ROOT, Block, Command, Program
from tests.readers.reader import Reader
from tests.readers.stand_ins import StandIns
from tests.waiting import wait_until

WHERE = Path(sys.executable).parent
_OWN = ("ostinato up", "celery -A worker")
_INSTALLS = "-m venv"
_QUARANTINED = "4ce0633c"
# What an Ostinato that runs already has been told.
_SAID: Sequence[dict[str, object]] = (
    {
        "kind": "record_pattern",
        "pattern_type": "timeout",
        "pattern_name": "test_login times out",
        "context_tags": ["ci"],
        "suggested_action": "Raise the limit",
    },
    {"kind": "record_pattern", "pattern_type": "validation_failure", "pattern_name": "File not created"},
)
_NO_MESSAGE = """
from celery import Celery
Celery(broker="redis+socket://{data}/broker.sock").send_task("record_pattern", args=["none"], queue="ostinato")
"""


class Desk:
    """A context manager; what was started there has ended afterwards.

    Where the page begins with `python3 -m venv`, nothing of Ostinato is installed; else it is. Where the page starts no
    Ostinato of its own, one runs, and has been told something.
    """

    def __init__(self, home: Path, steps: Sequence[Command | Program], files: Iterable[Block]) -> None:
        self._steps, self._files = steps, files
        self._product = Product(home)
        self._checkout = home / "checkout"
        self._data = self._product.user / ".local" / "share" / "ostinato"
        self._open = ExitStack()
        self._quarantined = ""

    def here(self, text: str) -> str:
        """A text of the page as it has to be on this machine."""
        if _QUARANTINED in text:
            self._quarantined = self._quarantined or self._something_quarantined()
            text = text.replace(_QUARANTINED, self._quarantined)
        return self._stand_ins.here(text)

    def __enter__(self) -> Self:
        # A copy: whatever is typed there leaves no trace.
        shutil.copytree(ROOT, self._checkout, ignore=shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "dist"))
        made = any("createdb" in each.text for each in self._steps)
        with ExitStack() as entered:
            if any(isinstance(each, Command) and "--flower" in each.bare for each in self._steps):
                entered.enter_context(only_one())
            entered.enter_context(self._product)
            stand_ins = StandIns(self._product.home, desk=self._checkout, data=self._data, makes_database=made)
            self._stand_ins = entered.enter_context(stand_ins)
            self._install()
            self.reader = entered.enter_context(Reader(self._product, self._checkout, self.here))
            for file in self._files:
                (self._checkout / str(file.file)).write_text(self.here(file.text), encoding="utf-8")
            if self._needs_one():
                self._begin()
            self._open = entered.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._open.close()

    def settle(self) -> None:
        """Wait until all that the page sent to an Ostinato that still runs is applied, and none of it is elsewhere."""
        allowed = {"outbox": 0, "queued": 0, "parked": 0, "quarantined": int(bool(self._quarantined))}

        def settled() -> bool:
            status = self.reader.enter("ostinato status --json")
            if status.code != 0:
                return True
            found = json.loads(status.out)
            return allowed == {name: found[name] for name in allowed}

        wait_until(settled, why="what the page sent is applied")

    def _needs_one(self) -> bool:
        """Whether the page talks to an Ostinato, and starts none itself."""
        typed = [each.text for each in self._steps if isinstance(each, Command)]
        talks = len(typed) < len(self._steps) or any(each.startswith("ostinato ") for each in typed)
        return talks and not any(each.startswith(_OWN) for each in typed)

    def _install(self) -> None:
        env = self._product.env
        del env["OSTINATO_HOME"]
        rest = [each for each in env["PATH"].split(os.pathsep) if Path(each) != WHERE]
        installs = any(_INSTALLS in each.text for each in self._steps)
        env["PATH"] = os.pathsep.join([str(self._stand_ins.bin), *([] if installs else [str(WHERE)]), *rest])
        env |= {"COLUMNS": "120", "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        if installs:
            self._stand_ins.wrap("python3", os.path.realpath(sys.executable), {})
            # Everything that it depends on is there, so that nothing has to be fetched.
            packages = next(path for path in sys.path if path.endswith("site-packages"))
            env |= {"PYTHONPATH": packages, "PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "0"}
        self._made_by_dev_py()

    def _made_by_dev_py(self) -> None:
        """The environment that `dev.py` makes is there, so that it has nothing to fetch either."""
        environment = self._checkout / ".venv"
        for folder in (environment / "bin", environment / "lib" / f"python{dev.VERSION}"):
            folder.mkdir(parents=True)
        for program in ("python", "ostinato"):
            (environment / "bin" / program).write_text(f'#!/bin/sh\nexec {WHERE / program} "$@"\n', encoding="utf-8")
            (environment / "bin" / program).chmod(0o755)
        (environment / dev.MARK.name).write_text(dev.mark(self._checkout, dev=True), encoding="utf-8")

    def _begin(self) -> None:
        self.reader.do(Command("before the page", "ostinato up", ""))
        lines = " ".join(shlex.quote(json.dumps(each)) for each in _SAID)
        self.reader.do(Command("before the page", f"printf '%s\\n' {lines} | ostinato send -", "sent 2, bad 0"))
        self.reader.do(Command("before the page", "ostinato patterns list", "…\n…test_login times out…\n…"))

    def _something_quarantined(self) -> str:
        program = Program("before the page:0", _NO_MESSAGE.format(data=self._data))
        self.reader.do(program)
        listed = "ostinato quarantine list --json"
        found = wait_until(lambda: json.loads(self.reader.enter(listed).out), why="it is there")
        return str(found[0]["id"])[:8]
