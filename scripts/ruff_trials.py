"""What ruff finds in a folder of Python files, and what each rule's fixes achieve alone in one file."""  # noqa: INP001 (a neighbour of a script that is run by its path)

import ast
import json
import os
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, TypedDict

# The running Python's own syntax, so that its library has no syntax errors.
_SYNTAX = f"py{sys.version_info.major}{sys.version_info.minor}"
_ALONE = ("check", "--isolated", "--no-cache", "--quiet", "--exit-zero", "--target-version", _SYNTAX)


class Rule(TypedDict):
    """The fields used of one entry of `ruff rule --all`."""

    code: str
    name: str
    linter: str
    summary: str
    category: str
    fix_availability: str


class Trial(NamedTuple):
    """One rule's fixes, to be tried alone in one file."""

    file: str
    code: str


class _Place(TypedDict):
    row: int
    column: int


class _Fix(TypedDict):
    message: str | None
    applicability: str


class _Found(TypedDict):
    """The fields used of one entry of `ruff check`."""

    code: str
    filename: str
    location: _Place
    fix: _Fix | None


class Finding(NamedTuple):
    """One finding, in the order of files, places and codes; `fix` is empty or says what the fix does."""

    file: str
    row: int
    column: int
    code: str
    fix: str
    applicability: str

    @property
    def trial(self) -> Trial:
        """The rule and the file."""
        return Trial(self.file, self.code)


class Outcome(NamedTuple):
    """What a trial led to; `before` and `after` count the rule's own findings, `fewer` is about all rules."""

    before: int
    after: int
    fewer: bool
    parses: bool
    safe: bool

    @property
    def success(self) -> bool:
        """Whether the rule is satisfied and the file has fewer findings in all."""
        return self.parses and self.fewer and self.after == 0


class Linter:
    """Ruff with every rule on and no configuration, over the Python files below `root`."""

    def __init__(self, root: Path) -> None:
        beside = shutil.which("ruff", path=str(Path(sys.executable).parent))
        found = beside or shutil.which("ruff")
        if found is None:
            sys.exit("ruff is not installed: install the development extra, or put ruff on the PATH")
        self.root = root
        self._ruff = found

    def version(self) -> str:
        """Such as `ruff 0.17.6`."""
        return self._run("--version").decode().strip()

    def rules(self) -> dict[str, Rule]:
        """Every rule that ruff knows, by its code."""
        known: list[Rule] = json.loads(self._run("rule", "--all", "--output-format", "json"))
        return {rule["code"]: rule for rule in known}

    def findings(self, *where: str, source: bytes | None = None) -> list[Finding]:
        """All findings in the named files, in order; with `source`, as if the one named file read that."""
        report = (*_ALONE, "--select", "ALL", "--output-format", "json")
        found: list[_Found] = json.loads(self._run(*report, *self._arguments(where, source), source=source))
        return sorted(self._finding(one) for one in found)

    def fixed(self, trial: Trial, source: bytes) -> bytes:
        """`source` after the fixes of the trial's rule, unsafe ones included."""
        only = (*_ALONE, "--select", trial.code, "--fix-only", "--unsafe-fixes")
        return self._run(*only, *self._arguments((trial.file,), source), source=source)

    def _finding(self, found: _Found) -> Finding:
        file = Path(found["filename"]).relative_to(self.root).as_posix()
        place, fix = found["location"], found["fix"]
        what, applicability = (fix["message"] or "", fix["applicability"]) if fix else ("", "")
        return Finding(file, place["row"], place["column"], found["code"], what, applicability)

    def _arguments(self, where: Iterable[str], source: bytes | None) -> tuple[str, ...]:
        paths = tuple(str(self.root / file) for file in where)
        return paths if source is None else ("--stdin-filename", *paths, "-")

    def _run(self, *arguments: str, source: bytes | None = None) -> bytes:
        command = (self._ruff, *arguments)
        # The command is ruff and this class's own arguments.
        done = subprocess.run(command, cwd=self.root, input=source, capture_output=True, check=False)  # noqa: S603
        # For a fix that breaks the syntax, ruff fails and gives the source back: an outcome, not a fault.
        if done.returncode and not done.stdout:
            sys.exit(f"{' '.join(command[:8])} ended with {done.returncode}: {done.stderr.decode()[:500]}")
        return done.stdout


def tried(linter: Linter, findings: list[Finding], say: Callable[[str], None]) -> dict[Trial, Outcome]:
    """Every rule tried in every file where ruff would fix some of its findings, in the order of `Trial`."""
    found: defaultdict[Trial, list[Finding]] = defaultdict(list)
    for one in findings:
        found[one.trial].append(one)
    trials = sorted({one.trial for one in findings if one.applicability in {"safe", "unsafe"}})
    totals = Counter(one.file for one in findings)
    outcomes: dict[Trial, Outcome] = {}

    def outcome(trial: Trial) -> Outcome:
        return _outcome(linter, trial, found[trial], totals[trial.file])

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for trial, measured in zip(trials, pool.map(outcome, trials), strict=True):
            outcomes[trial] = measured
            if len(outcomes) % 500 == 0 or len(outcomes) == len(trials):
                good = sum(one.success for one in outcomes.values()) / len(outcomes)
                say(f"application {len(outcomes)} of {len(trials)}, {good:.1%} successful so far")
    return outcomes


def _outcome(linter: Linter, trial: Trial, ones: list[Finding], total: int) -> Outcome:
    fixed = linter.fixed(trial, (linter.root / trial.file).read_bytes())
    left = linter.findings(trial.file, source=fixed)
    own = sum(one.code == trial.code for one in left)
    safe = all(one.applicability != "unsafe" for one in ones)
    return Outcome(len(ones), own, len(left) < total, _parses(fixed), safe)


def _parses(source: bytes) -> bool:
    try:
        ast.parse(source)
    except (SyntaxError, ValueError):
        return False
    return True
