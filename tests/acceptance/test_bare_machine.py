"""dev.py on machines that lack something, with a stand-in for pip that needs no network."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.waiting import LONGEST, ended, readable, wait_until

if TYPE_CHECKING:
    from collections.abc import Generator

DEV_PY = Path(__file__).resolve().parents[2] / "dev.py"

MISSING = "raise ModuleNotFoundError(__name__)\n"

# Logs its arguments, waits for as long as a file `hold` exists, then makes an `ostinato` that says its process id.
PIP = """
import pathlib, sys, time
home = pathlib.Path(__file__).resolve().parents[2]
if "install" in sys.argv:
    with (home / "installs").open("a") as log:
        log.write(" ".join(sys.argv[1:]) + "\\n")
    while (home / "hold").exists():
        time.sleep(0.01)
    if (home / "broken").exists():
        sys.exit("ERROR: no such distribution")
    script = pathlib.Path(sys.prefix) / "bin/ostinato"
    script.write_text('#!/bin/sh\\necho "$$ $*"\\n')
    script.chmod(0o755)
"""

# A tool that takes its time to tidy up after Ctrl-C.
SLOW_TOOL = f"""#!{sys.executable}
import pathlib, sys, time
try:
    pathlib.Path(f"started {{sys.argv[1]}}").touch()
    time.sleep({LONGEST})
except KeyboardInterrupt:
    time.sleep(0.6)
    pathlib.Path(f"tidied {{sys.argv[1]}}").touch()
"""


class Machine:
    """A checkout of dev.py and what is declared, and a Python whose ensurepip is missing and whose pip is `pip`."""

    def __init__(self, folder: Path, pip: str) -> None:
        self.folder = folder
        self.checkout = folder / "check out"
        self.checkout.mkdir()
        shutil.copy(DEV_PY, self.checkout)
        (self.checkout / "client").mkdir()
        for name in ("pyproject.toml", "client/pyproject.toml"):
            (self.checkout / name).write_text("[project]\n")
        modules = folder / "modules"
        for name, source in (("pip/__main__.py", pip), ("pip/__init__.py", ""), ("ensurepip/__init__.py", MISSING)):
            (modules / name).parent.mkdir(parents=True, exist_ok=True)
            (modules / name).write_text(source)
        (folder / "bin").mkdir()
        self.environment = {"PATH": str(folder / "bin"), "PYTHONPATH": str(modules), "HOME": str(folder)}

    @contextmanager
    def dev(self, *args: str) -> Generator[subprocess.Popen[str]]:
        """Start dev.py from another folder, in a session of its own; ends whatever is left of it."""
        with subprocess.Popen(
            [sys.executable, "-B", str(self.checkout / "dev.py"), *args],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                yield process
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)

    def run(self, *args: str) -> tuple[int, str, str]:
        """Run dev.py to its end; gives exit code, standard output and standard error."""
        with self.dev(*args) as process:
            out, err = process.communicate(timeout=LONGEST)
            return process.returncode, out, err

    def installs(self) -> list[str]:
        """Give the last word of each `pip install` so far: what was to be installed."""
        log = self.folder / "installs"
        return [line.split()[-1] for line in log.read_text().splitlines()] if log.exists() else []

    def tool(self, name: str, script: str) -> None:
        """Put a command into the environment."""
        file = self.checkout / ".venv/bin" / name
        file.write_text(script)
        file.chmod(0o755)


def first_words(process: subprocess.Popen[str]) -> str:
    """Wait for a process to say something on standard error, and give it."""
    assert process.stderr is not None
    readable(process.stderr)
    return os.read(process.stderr.fileno(), 1000).decode()


@pytest.fixture(autouse=True)
def ctrl_c_counts() -> Generator[None]:
    """Let the started programs hear Ctrl-C, even where the tests themselves run in a background that ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Give a machine whose pip works."""
    return Machine(tmp_path, PIP)


def test_demo_becomes_the_process_that_was_started(machine: Machine) -> None:
    """`ostinato demo` runs under dev.py's own process id, so that signals reach it, and gets every argument."""
    with machine.dev("demo", "--help", "-x", "--", "y z") as process:
        out, _ = process.communicate(timeout=LONGEST)
    assert f"{process.pid} demo --help -x -- y z\n" == out
    assert ["."] == machine.installs()


def test_set_up_is_done_once_for_each_need(machine: Machine) -> None:
    """Only the first run, the first need of the dev tools and a changed declaration cost an installation."""
    assert [0, 0] == [machine.run("demo")[0] for _ in range(2)]
    assert [0, 0] == [machine.run("setup")[0] for _ in range(2)]
    assert 0 == machine.run("demo")[0]
    assert [".", ".[dev]"] == machine.installs()
    (machine.checkout / "client/pyproject.toml").write_text("[project]\nname = 'changed'\n")
    assert 0 == machine.run("setup")[0]
    assert [".", ".[dev]", ".[dev]"] == machine.installs()
    assert "--python" not in (machine.folder / "installs").read_text(), "the environment's own pip comes first"


def test_no_pip_at_all_is_said_in_one_sentence(tmp_path: Path) -> None:
    """Without ensurepip and pip the error names what to install, however often one tries."""
    machine = Machine(tmp_path, MISSING)
    for _ in range(2):
        code, out, err = machine.run("setup")
        assert (1, "") == (code, out)
        assert err.splitlines()[-1].startswith(
            "dev.py: this Python has neither ensurepip nor pip 22.3 or later: install"
        )
        assert "Traceback" not in err


def test_failing_pip_shows_what_it_printed(machine: Machine) -> None:
    """A failed installation ends with pip's own words, and the next run starts afresh."""
    (machine.folder / "broken").touch()
    code, _, err = machine.run("setup")
    assert 1 == code
    assert "ERROR: no such distribution" in err
    assert "Traceback" not in err
    (machine.folder / "broken").unlink()
    code, _, err = machine.run("setup")
    assert 0 == code
    assert "making .venv" in err


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGKILL])
def test_interrupted_set_up_is_started_afresh(machine: Machine, signum: signal.Signals) -> None:
    """After Ctrl-C (exit code 130, no traceback) or a kill, the next run makes the environment again."""
    (machine.folder / "hold").touch()
    with machine.dev("setup") as process:
        wait_until(machine.installs, why="pip installs")
        os.killpg(process.pid, signum)
        _, err = process.communicate(timeout=LONGEST)
    assert (130 if signum == signal.SIGINT else -signum) == process.returncode
    assert "Traceback" not in err
    left_over = machine.checkout / ".venv/left-over"
    left_over.touch()
    (machine.folder / "hold").unlink()
    assert 0 == machine.run("demo")[0]
    assert not left_over.exists()


def test_two_at_once_set_up_one_after_the_other(machine: Machine) -> None:
    """The second waits for the first, and then has nothing to do."""
    (machine.folder / "hold").touch()
    with machine.dev("setup") as first:
        wait_until(machine.installs, why="pip installs")
        with machine.dev("setup") as second:
            assert "dev.py: another dev.py is setting up .venv: waiting for it\n" == first_words(second)
            (machine.folder / "hold").unlink()
            assert 0 == ended(first)
            assert 0 == ended(second)
    assert [".[dev]"] == machine.installs()


def test_lock_outlives_a_killed_set_up(machine: Machine) -> None:
    """While the pip of a killed dev.py still writes, the next one waits; then it starts afresh."""
    (machine.folder / "hold").touch()
    with machine.dev("setup") as first:
        wait_until(machine.installs, why="pip installs")
        first.kill()
        ended(first)
        with machine.dev("setup") as second:
            assert "dev.py: another dev.py is setting up .venv: waiting for it\n" == first_words(second)
            assert [".[dev]"] == machine.installs()
            (machine.folder / "hold").unlink()
            assert 0 == ended(second)
    assert [".[dev]", ".[dev]"] == machine.installs()


def test_first_failing_step_ends_the_run(machine: Machine) -> None:
    """A step's exit code becomes dev.py's, and the groups after it do not run; what each took is said."""
    assert 0 == machine.run("setup")[0]
    for tool, code in (("ruff", 0), ("mypy", 3), ("basedpyright", 0)):
        machine.tool(tool, f"#!/bin/sh\nexit {code}\n")
    code, out, err = machine.run("test")
    assert (3, "dev.py: types failed with exit code 3\n") == (code, err)
    assert [
        "== lint (1 of 4), T so far: ruff format --check . | ruff check .",
        "== types (2 of 4), T so far: basedpyright | mypy",
        "== lint T, types T",
    ] == [line for line in re.sub(r"\d:\d\d:\d\d", "T", re.sub("(?<=mypy).*", "", out)).splitlines() if line]


def test_ctrl_c_waits_for_what_runs(machine: Machine) -> None:
    """What Ctrl-C interrupts can tidy up before dev.py ends with exit code 130, and nothing follows."""
    assert 0 == machine.run("setup")[0]
    machine.tool("ruff", SLOW_TOOL)
    with machine.dev("test") as process:
        wait_until(lambda: len([*machine.checkout.glob("started *")]) == 2, why="both run")
        os.killpg(process.pid, signal.SIGINT)
        assert 130 == ended(process)
        assert {"tidied check", "tidied format"} == {each.name for each in machine.checkout.glob("tidied *")}
        out, err = process.communicate()
    assert ["", "== lint (1 of 4), 0:00:00 so far: ruff format --check . | ruff check .", ""] == out.split("\n")
    assert "" == err
