"""Try out or check this checkout with nothing but Python: makes `.venv` beside itself, then runs the command in it."""

from __future__ import annotations

import argparse
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
VENV_PYTHON = str(VENV / "bin/python")
MARK = VENV / "dev-mark"
VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
# Groups run one after the other, and the commands of a group at the same time.
CHECKS = {
    "lint": ["ruff format --check .", "ruff check ."],
    "types": ["basedpyright", "mypy worker tasks store client/ostinato benchmarks examples dev.py"],
    "contracts": ["lint-imports"],
    "tests": ["pytest -ra --durations=15 -n 4 --dist loadfile --no-loadscope-reorder"],
}
CHORES = {
    "lock": "uv pip compile pyproject.toml --extra postgres --universal --upgrade --quiet --generate-hashes"
    " --no-emit-index-url --no-emit-package ostinato-client --custom-compile-command 'python3 dev.py lock'"
    " --output-file requirements.lock",
    "audit": "python scripts/audit_lock.py",
}
# Each takes all the arguments that follow.
PROGRAMS = {"demo": "ostinato demo", "faults": "python -m tests.faults", "bench": "python -m benchmarks"}


def refusal(version: tuple[int, int], platform: str) -> str | None:
    """Give the sentence that says why this Python or system cannot run the project, or None where it can."""
    if version < (3, 11):
        return f"Python 3.11 or later is needed, this is {version[0]}.{version[1]}: start dev.py with a newer one"
    if platform == "win32":
        return "Windows is not supported: use the Windows Subsystem for Linux"
    return None


def mark(root: Path, *, dev: bool) -> str:
    """Give what the environment of a checkout is made from: folder, Python, declarations; with the dev tools or not."""
    declared = b"".join((root / name / "pyproject.toml").read_bytes() for name in (".", "client"))
    return "\n".join([str(root / ".venv"), VERSION, hashlib.sha256(declared).hexdigest(), "dev" if dev else "plain"])


def needed(venv: Path, wanted: str) -> str:
    """Say what an environment needs to have the wanted mark: "nothing", "install" or "rebuild".

    One without a mark was made by hand, and is kept; an unfinished or moved one is made again.
    """
    if not (venv / "bin/python").exists() or not (venv / f"lib/python{VERSION}").is_dir():
        return "rebuild"
    file = venv / MARK.name
    found, lines = file.read_text() if file.exists() else "", wanted.splitlines()
    if found and found.splitlines()[:2] != lines[:2]:
        return "rebuild"
    return "nothing" if found in {wanted, "\n".join([*lines[:-1], "dev"])} else "install"


def run(*commands: list[str], held: int | None = None, must: bool = False) -> int:
    """Run commands in the checkout at the same time; gives the first exit code but 0, counted as a shell does.

    With ``held``, a file that they keep open, their output is hidden; where they must not fail, SystemExit shows it.
    Ctrl-C reaches each by itself; they get all the time they take to end before KeyboardInterrupt is raised.
    """
    with tempfile.TemporaryFile() as log:
        out, kept = (None, []) if held is None else (log, [held])
        started = [subprocess.Popen(each, cwd=ROOT, stdout=out, stderr=out, pass_fds=kept) for each in commands]  # noqa: S603 - our own
        interrupted = False
        while any(each.returncode is None for each in started):
            try:
                _ = [each.wait() for each in started]
            except KeyboardInterrupt:
                interrupted = True
        if interrupted:
            raise KeyboardInterrupt
        code = next((each.returncode for each in started if each.returncode), 0)
        if code and must:
            log.seek(0)
            raise SystemExit(f"dev.py: {' '.join(*commands)} failed:\n{log.read().decode(errors='replace')}")
    return code if code >= 0 else 128 - code


def build(wanted: str, held: int, *, rebuild: bool) -> None:
    """Empty `.venv` where asked, and install both distributions; raises SystemExit with what went wrong.

    Each command holds the lock too: it may outlive this process, still writing into `.venv`.
    """
    host_python = os.path.realpath(sys.executable)  # not the one in `.venv`, which may be deleted now
    if rebuild:
        run([host_python, "-m", "venv", "--clear", "--without-pip", str(VENV)], held=held, must=True)
    MARK.write_text("unfinished")
    if rebuild:
        run([VENV_PYTHON, "-m", "ensurepip", "--default-pip"], held=held)  # Debian and Ubuntu may lack it
    pips = [[VENV_PYTHON, "-m", "pip"], [host_python, "-m", "pip", "--python", VENV_PYTHON]]
    pips += [[found, "--python", VENV_PYTHON] for found in map(shutil.which, ("pip3", "pip")) if found]
    pip = next((each for each in pips if run([*each, "--version"], held=held) == 0), None)
    if pip is None:
        raise SystemExit(
            "dev.py: this Python has neither ensurepip nor pip 22.3 or later: "
            "install one of them (Debian and Ubuntu: apt install python3-venv) and start again"
        )
    project = ".[dev]" if wanted.endswith("dev") else "."
    run([*pip, "install", "--quiet", "--no-input", "-e", "./client", "-e", project], held=held, must=True)
    MARK.write_text(wanted)


def set_up(*, dev: bool) -> None:
    """Make `.venv` fit what is declared, with the dev tools where asked; one at a time, and at no cost when it fits."""
    import fcntl  # noqa: PLC0415 - missing on Windows, which main() refuses first

    wanted = mark(ROOT, dev=dev)
    if needed(VENV, wanted) == "nothing":
        return
    with Path(__file__).open("ab") as held:  # only locked: this file is always there
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another dev.py is setting up .venv: waiting for it")
            fcntl.flock(held, fcntl.LOCK_EX)
        todo = needed(VENV, wanted)
        if todo != "nothing":
            began = time.monotonic()
            say(f"{'making' if todo == 'rebuild' else 'updating'} .venv{' with the dev tools' if dev else ''} ...")
            build(wanted, held.fileno(), rebuild=todo == "rebuild")
            say(f".venv is ready after {time.monotonic() - began:.0f} s")


def say(text: str) -> None:
    """Tell the person at the terminal; standard output belongs to the commands."""
    sys.stderr.write(f"dev.py: {text}\n")


def run_groups(groups: dict[str, list[str]], pytest_args: list[str]) -> int:
    """Run groups of commands, each under a heading, up to the first that fails; gives its exit code, or 0."""
    began, times, code = time.monotonic(), list[str](), 0
    for number, (group, lines) in enumerate(groups.items(), 1):
        since = time.monotonic()
        commands = [[*shlex.split(each), *(pytest_args if group == "tests" else [])] for each in lines]
        so_far = f"({number} of {len(groups)}), {timedelta(seconds=round(since - began))} so far"
        sys.stdout.write(f"\n== {group} {so_far}: {' | '.join(map(shlex.join, commands))}\n")
        sys.stdout.flush()
        code = run(*([str(VENV / "bin" / each[0]), *each[1:]] for each in commands))
        times.append(f"{group} {timedelta(seconds=round(time.monotonic() - since))}")
        if code:
            say(f"{group} failed with exit code {code}")
            break
    sys.stdout.write(f"\n== {', '.join(times)}\n")
    return code


def parser() -> argparse.ArgumentParser:
    """Describe the command line, except for what follows one of the PROGRAMS or `--`."""
    top = argparse.ArgumentParser(prog="dev.py", description=__doc__)
    commands = top.add_subparsers(dest="command", metavar="command", required=True)
    commands.add_parser("demo", help="run `ostinato demo` with the arguments that follow")
    test = commands.add_parser("test", help="run every check; see `test -h`", allow_abbrev=False)
    test.add_argument("--only", choices=CHECKS, help="run this group only")
    test.add_argument("--long", action="store_true", help="run the tests that are left out otherwise")
    test.epilog = "Unknown arguments, and everything after --, go to pytest."
    commands.add_parser("check", help="run the fast checks: lint, types, contracts and unit tests")
    commands.add_parser("lock", help="make requirements.lock again, from pyproject.toml")
    commands.add_parser("audit", help="ask a service whether a version in requirements.lock is known to be vulnerable")
    commands.add_parser("faults", help="inject every fault, again and again; see `faults -h`")
    commands.add_parser("bench", help="measure how fast it is; see `bench -h`")
    commands.add_parser("setup", help="only make or update .venv, with the dev tools")
    return top


def dispatch(argv: list[str]) -> int:
    """Run one command line and give its exit code; what is in PROGRAMS replaces this process, to see signals itself."""
    if argv[0] in PROGRAMS:
        set_up(dev=argv[0] != "demo")
        program, *words = PROGRAMS[argv[0]].split()
        path = str(VENV / "bin" / program)
        os.execv(path, [path, *words, *argv[1:]])  # noqa: S606 - no shell is wanted
    own = argv[: argv.index("--")] if "--" in argv else argv
    options, unknown = parser().parse_known_args(own)
    pytest_args = [*unknown, *argv[len(own) + 1 :]]
    groups = CHECKS
    if options.command == "test" and (options.only or options.long):
        groups = {each: CHECKS[each] for each in [options.only or "tests"]}
        pytest_args += ["--long"] * options.long
    if pytest_args and (options.command != "test" or "tests" not in groups):
        parser().error(f"nothing here takes {' '.join(pytest_args)}")
    set_up(dev=True)
    if options.command == "setup":
        return 0
    if options.command in CHORES:
        return run_groups({options.command: [CHORES[options.command]]}, [])
    return run_groups(groups, ["tests/unit"] if options.command == "check" else pytest_args)


def main(argv: list[str]) -> int:
    """Run one command line and give its exit code: 2 for a wrong one or an unfit Python, 130 after Ctrl-C."""
    if sentence := refusal(sys.version_info[:2], sys.platform):
        say(sentence)
        return 2
    if not argv:
        parser().print_help(sys.stderr)
        return 2
    try:
        return dispatch(argv)
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        say(f"{error}")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
