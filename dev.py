"""Try out or check this checkout with nothing but Python: makes `.venv` beside itself, then runs the command in it."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
VENV_PYTHON = str(VENV / "bin/python")
STAMP = VENV / "dev-stamp.json"  # also the lock: whoever sets up holds it
UNFINISHED = "unfinished"
VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
STEPS = (
    ("lint", "ruff format --check ."),
    ("lint", "ruff check ."),
    ("types", "mypy worker tasks store client/ostinato benchmarks examples dev.py"),
    ("types", "basedpyright"),
    ("contracts", "lint-imports"),
    ("tests", "pytest -ra --durations=15 -n 2 --dist loadfile"),
)
# What is done now and then, and by no check: the second asks a service that may be out of reach.
CHORES = {
    "lock": (
        *("uv", "pip", "compile", "pyproject.toml", "--extra", "postgres", "--universal", "--upgrade", "--quiet"),
        *(
            "--generate-hashes",
            "--no-emit-index-url",
            "--no-emit-package",
            "ostinato-client",
            "--custom-compile-command",
            "python3 dev.py lock",
        ),
        *("--output-file", "requirements.lock"),
    ),
    "audit": ("python", "scripts/audit_lock.py"),
}
# Each takes all the arguments that follow.
PROGRAMS = {"demo": ("ostinato", "demo"), "bench": ("python", "-m", "benchmarks")}
FAULTS = "pytest -q -n 2 --dist loadfile --ignore tests/faults/test_planted_bugs.py tests/faults"
DEFECTS_FOUND = 1  # pytest's code for tests that failed; with any other, the next round would be no better
GROUPS = tuple(dict.fromkeys(group for group, _ in STEPS))


class SetupError(Exception):
    """The environment cannot be made; the message says why, and what to do."""


class Stamp(NamedTuple):
    """What an environment was made from: its folder, Python, pyproject.toml's SHA-256, with the dev tools or not."""

    folder: str
    python: str
    pyproject: str
    dev: bool


def refusal(version: tuple[int, int], platform: str) -> str | None:
    """Give the sentence that says why this Python or system cannot run the project, or None where it can."""
    if version < (3, 11):
        return f"Python 3.11 or later is needed, this is {version[0]}.{version[1]}: start dev.py with a newer one"
    if platform == "win32":
        return "Windows is not supported: use the Windows Subsystem for Linux"
    return None


def plan(found: str, wanted: Stamp) -> str:
    """Say what an environment whose stamp file holds `found` needs: "nothing", "install" or "rebuild".

    One without a stamp was made by hand, and is kept; an unfinished or moved one is not worth saving.
    """
    if not found:
        return "install"
    try:
        stamp = Stamp(**json.loads(found))
    except (TypeError, ValueError):
        return "rebuild"
    if (stamp.folder, stamp.python) != (wanted.folder, wanted.python):
        return "rebuild"
    return "nothing" if stamp.pyproject == wanted.pyproject and stamp.dev >= wanted.dev else "install"


def needed(wanted: Stamp) -> str:
    """Say what `.venv` needs to be as wanted, in the words of `plan`."""
    if not Path(VENV_PYTHON).exists() or not (VENV / "lib" / f"python{VERSION}").is_dir():
        return "rebuild"
    return plan(STAMP.read_text() if STAMP.exists() else "", wanted)


def pips(host_python: str) -> Iterable[list[str]]:
    """Yield the pip commands that may fill `.venv`, best first: its own, the host Python's, those on the PATH."""
    yield [VENV_PYTHON, "-m", "pip"]
    yield [host_python, "-m", "pip", "--python", VENV_PYTHON]
    for found in filter(None, map(shutil.which, ("pip3", "pip"))):
        yield [found, "--python", VENV_PYTHON]


def choose_pip(candidates: Iterable[list[str]], works: Callable[[list[str]], bool]) -> list[str]:
    """Give the first candidate whose `--version` works; raises SetupError where none does."""
    for pip in candidates:
        if works([*pip, "--version"]):
            return pip
    raise SetupError(
        "this Python has neither ensurepip nor pip 22.3 or later: "
        "install one of them (Debian and Ubuntu: apt install python3-venv) and start again"
    )


def run(command: Sequence[str], log: IO[bytes] | None = None, keep_open: Sequence[int] = ()) -> int:
    """Run a command in the checkout and give its exit code, counted as a shell does.

    Ctrl-C reaches the command by itself; it gets all the time it takes to end before KeyboardInterrupt is raised.
    """
    process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, pass_fds=keep_open)  # noqa: S603 - our own
    interrupted = False
    while process.returncode is None:
        try:
            process.wait()
        except KeyboardInterrupt:
            interrupted = True
    if interrupted:
        raise KeyboardInterrupt
    return process.returncode if process.returncode >= 0 else 128 - process.returncode


def quietly(command: Sequence[str], held: int, *, must: bool = False) -> bool:
    """Run a command without a word and say whether it succeeded; where it must, SetupError shows what it printed."""
    with tempfile.TemporaryFile() as log:
        # The command holds the lock too: it may outlive this process, still writing into .venv.
        code = run(command, log, [held])
        if code and must:
            log.seek(0)
            raise SetupError(f"{' '.join(command)} failed:\n{log.read().decode(errors='replace')}")
    return code == 0


def build(held: int, *, rebuild: bool, dev: bool) -> None:
    """Make `.venv` anew where asked, and install the project into it; raises SetupError with what went wrong."""
    # Started by the very Python it replaces, it must link the new one to the real one.
    own = Path(sys.prefix).resolve() == VENV.resolve()
    host_python = os.path.realpath(sys.executable) if own else sys.executable
    if rebuild:
        for entry in set(VENV.iterdir()) - {STAMP}:  # the stamp stays: an interrupted clearing is unfinished too
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        quietly([host_python, "-m", "venv", "--without-pip", str(VENV)], held, must=True)
        quietly([VENV_PYTHON, "-m", "ensurepip", "--default-pip"], held)  # Debian and Ubuntu may lack it
    pip = choose_pip(pips(host_python), lambda command: quietly(command, held))
    quietly(
        [*pip, "install", "--quiet", "--no-input", "-e", "./client", "-e", ".[dev]" if dev else "."], held, must=True
    )


def lock(file: IO[str]) -> None:
    """Wait until no other dev.py sets up `.venv`; the lock is held until every copy of the file is closed."""
    import fcntl  # noqa: PLC0415 - missing on Windows, which main() refuses first

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("another dev.py is setting up .venv: waiting for it\n")
        fcntl.flock(file, fcntl.LOCK_EX)


def set_up(*, dev: bool) -> None:
    """Make `.venv` fit pyproject.toml, with the dev tools where asked; one at a time, and at no cost when it fits."""
    wanted = Stamp(str(VENV), VERSION, hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest(), dev)
    if needed(wanted) == "nothing":
        return
    VENV.mkdir(exist_ok=True)
    with STAMP.open("a") as held:
        lock(held)
        todo = needed(wanted)
        if todo == "nothing":
            return
        started, outcome = time.monotonic(), "stopped"
        tools = " with the dev tools" if dev else ""
        say(f"{'making' if todo == 'rebuild' else 'updating'} .venv for Python {VERSION}{tools} ... ")
        try:
            STAMP.write_text(UNFINISHED)
            build(held.fileno(), rebuild=todo == "rebuild", dev=dev)
            STAMP.write_text(json.dumps(wanted._asdict()))
            outcome = "done"
        finally:
            sys.stderr.write(f"{outcome} after {time.monotonic() - started:.0f} s\n")


def say(text: str) -> None:
    """Tell the person at the terminal; standard output belongs to the commands."""
    sys.stderr.write(f"dev.py: {text}")
    sys.stderr.flush()


def steps(groups: Sequence[str], pytest_args: Sequence[str]) -> list[list[str]]:
    """Give the commands of these groups in their order, pytest's with its arguments."""
    chosen = [(group, command.split()) for group, command in STEPS if group in groups]
    return [[*command, *pytest_args] if group == "tests" else command for group, command in chosen]


def run_steps(commands: Iterable[Sequence[str]]) -> int:
    """Run commands of the environment, each under a heading, up to the first failure; gives its exit code, or 0."""
    for command in commands:
        sys.stdout.write(f"\n== {' '.join(command)}\n")
        sys.stdout.flush()
        code = run([str(VENV / "bin" / command[0]), *command[1:]])
        if code:
            say(f"{command[0]} failed with exit code {code}\n")
            return code
    return 0


def inject(seconds: float, seed: str, *, write: bool, run_round: Callable[[list[list[str]]], int]) -> int:
    """Inject every fault once a round, each with a seed of its own, then print the table of all; gives the exit code.

    At least one round; none begins after so many seconds. `run_round` runs commands and gives their exit code.
    """
    began, number, worst = time.monotonic(), 0, 0
    with tempfile.TemporaryDirectory() as folder:
        results = str(Path(folder) / "results.jsonl")
        while worst in {0, DEFECTS_FOUND} and (not number or time.monotonic() - began < seconds):
            number += 1
            options = [f"--faults-seed={seed}.{number}", f"--faults-results={results}"]
            worst = run_round([[*FAULTS.split(), *options]]) or worst
        table = ["python", "-m", "tests.faults.page", results, *(["--write"] if write else [])]
        return run_round([table]) or worst


def parser() -> argparse.ArgumentParser:
    """Describe the command line, except for what follows `demo`, `bench` or `--`."""
    top = argparse.ArgumentParser(prog="dev.py", description=__doc__)
    commands = top.add_subparsers(dest="command", metavar="command", required=True)
    commands.add_parser("demo", help="run `ostinato demo` with the arguments that follow")
    test = commands.add_parser("test", help="run every check; see `test -h`", allow_abbrev=False)
    test.add_argument("--only", choices=GROUPS, help="run these steps only")
    test.epilog = "Unknown arguments, and everything after --, go to pytest."
    commands.add_parser("check", help="run the fast checks: lint, types, contracts and unit tests")
    commands.add_parser("lock", help="make requirements.lock anew, from pyproject.toml")
    commands.add_parser("audit", help="ask whether a version in requirements.lock is known to be vulnerable")
    faults = commands.add_parser("faults", help="inject every fault, again and again; see `faults -h`")
    faults.add_argument("--minutes", type=float, default=30, help="begin no round after so long (default: 30)")
    faults.add_argument("--seed", help="what everything random comes from (default: from the clock)")
    faults.add_argument("--write", action="store_true", help="put the table into docs/explanation/guarantees.md")
    commands.add_parser("bench", help="measure how fast it is; see `bench -h`")
    commands.add_parser("setup", help="only make or update .venv, with the dev tools")
    return top


def dispatch(argv: Sequence[str]) -> int:
    """Run one command line and give its exit code; what is in PROGRAMS replaces this process, to see signals itself."""
    if argv[0] in PROGRAMS:
        set_up(dev=argv[0] != "demo")
        program, *words = PROGRAMS[argv[0]]
        path = str(VENV / "bin" / program)
        os.execv(path, [path, *words, *argv[1:]])  # noqa: S606 - no shell is wanted
    own = argv[: argv.index("--")] if "--" in argv else argv
    options, unknown = parser().parse_known_args(own)
    pytest_args = [*unknown, *argv[len(own) + 1 :]]
    groups = [options.only] if options.command == "test" and options.only else GROUPS
    if pytest_args and (options.command != "test" or "tests" not in groups):
        parser().error(f"nothing here takes {' '.join(pytest_args)}")
    set_up(dev=True)
    if options.command == "setup":
        return 0
    if options.command in CHORES:
        return run_steps([CHORES[options.command]])
    if options.command == "faults":
        seed = options.seed or str(int(time.time()))
        return inject(60 * options.minutes, seed, write=options.write, run_round=run_steps)
    return run_steps(steps(groups, ["tests/unit"] if options.command == "check" else pytest_args))


def main(argv: Sequence[str]) -> int:
    """Run one command line and give its exit code: 2 for a wrong one or an unfit Python, 130 after Ctrl-C."""
    sentence = refusal(sys.version_info[:2], sys.platform)
    if sentence:
        say(f"{sentence}\n")
        return 2
    if not argv:
        parser().print_help(sys.stderr)
        return 2
    try:
        return dispatch(argv)
    except KeyboardInterrupt:
        return 130
    except (OSError, SetupError) as error:
        say(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
