#!/usr/bin/env python
"""Make the sample of real messages: what ruff finds in Python's standard library, and what its fixes achieve.

A finding is a sighting of its rule's pattern. Fixing one rule alone in one file is an application of that
pattern, with its measured outcome. The same Python and the same ruff give the same bytes.
"""

import argparse
import gzip
import hashlib
import itertools
import json
import math
import platform
import shutil
import sys
import sysconfig
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from ruff_trials import Finding, Linter, Outcome, Rule, Trial, tried

from ostinato.identity import pattern_id

SAMPLE = Path(__file__).parents[1] / "worker" / "cli" / "demo" / "ruff-stdlib.jsonl.gz"
# Not the library itself: other people's packages, tests, programs, and tables that a program wrote.
LEFT_OUT = shutil.ignore_patterns(
    *("site-packages", "dist-packages", "test", "tests", "idle_test", "idlelib", "lib2to3", "turtledemo"),
    *("ensurepip", "encodings", "pydoc_data", "config-*", "lib-dynload", "__pycache__", "_sysconfigdata*"),
)
APPLICATIONS_PER_RULE = 10
# Sightings grow with the root of a rule's findings: frequent rules stay frequent, and rare ones are there.
SIGHTINGS_PER_ROOT = 0.85
PARKED = 12
MOST_RETRIES = 1_000_000

Message = dict[str, object]


class Options(argparse.Namespace):
    """The command's options."""

    files: int | None = None
    output: Path | None = None


def main() -> None:
    """Make the sample and say what is in it."""
    options = _options()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve() / "stdlib"
        shutil.copytree(sysconfig.get_path("stdlib"), root, ignore=LEFT_OUT)
        linter = Linter(root)
        rules = linter.rules()
        files = _chosen(root, options.files)
        _say(f"Python {platform.python_version()}, {linter.version()}, {len(rules)} rules, {len(files)} files")
        findings = linter.findings(*files)
        _say(f"{len(findings)} findings of {len({one.code for one in findings})} rules")
        outcomes = tried(linter, findings, _say)
    messages = list(_sample(rules, findings, outcomes))
    path = options.output or (Path(tempfile.gettempdir()) / SAMPLE.name if options.files else SAMPLE)
    _write(path, messages)
    _say(f"{_figures(messages)}, {path.stat().st_size} bytes, {time.monotonic() - begun:.0f} s: {path}")


def _options() -> Options:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--files", type=int, help="a quick try on this many files, written to a temporary file")
    parser.add_argument("--output", type=Path, help="where to write (default: the sample of `ostinato demo`)")
    return parser.parse_args(namespace=Options())


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 (a command's progress)


def _chosen(root: Path, files: int | None) -> list[str]:
    every = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.py"))
    return every[:: max(1, len(every) // files)][:files] if files else every


def _sample(rules: dict[str, Rule], findings: list[Finding], outcomes: dict[Trial, Outcome]) -> Iterator[Message]:
    """The messages in the order of the work: a file's sightings, then the fixes tried in it."""
    applied = _kept_applications(outcomes)
    unseen = _never_sighted(applied)
    sighted = _kept_sightings([one for one in findings if one.code not in unseen], applied)
    for file in sorted({one.file for one in findings}):
        yield from (_sighting(rules[one.code], one) for one in sighted if one.file == file)
        yield from (_application(rules[one.code], one, outcomes[one]) for one in applied if one.file == file)


def _draw(*key: object) -> str:
    """A sort key that looks random and is the same everywhere."""
    return hashlib.sha256(repr(key).encode()).hexdigest()


def _kept_applications(outcomes: dict[Trial, Outcome]) -> list[Trial]:
    drawn = sorted(outcomes, key=lambda trial: (trial.code, _draw(*trial)))
    by_rule = itertools.groupby(drawn, key=lambda trial: trial.code)
    return sorted(trial for _, ones in by_rule for trial in itertools.islice(ones, APPLICATIONS_PER_RULE))


def _never_sighted(applied: list[Trial]) -> set[str]:
    """Rules whose few applications will wait, parked, for a sighting that does not come."""
    counts = Counter(trial.code for trial in applied)
    unseen: set[str] = set()
    for code in sorted(counts, key=lambda code: _draw("parked", code)):
        if counts[code] <= PARKED // 4 and sum(counts[one] for one in (*unseen, code)) <= PARKED:
            unseen.add(code)
    return unseen


def _kept_sightings(findings: list[Finding], applied: list[Trial]) -> list[Finding]:
    """The first finding behind each application, and more of the rules that have more."""
    first = {one.trial: one for one in reversed(findings)}
    needed = {first[trial] for trial in applied if trial in first}
    drawn = sorted(findings, key=lambda one: (one.code, one not in needed, _draw(*one)))
    kept: list[Finding] = []
    for _, group in itertools.groupby(drawn, key=lambda one: one.code):
        ones = list(group)
        share = math.ceil(SIGHTINGS_PER_ROOT * math.sqrt(len(ones)))
        kept += ones[: max(share, sum(one in needed for one in ones))]
    return sorted(kept)


def _pattern_name(rule: Rule) -> str:
    return f"{rule['code']} {rule['name'].replace('-', ' ')}"


def _sighting(rule: Rule, one: Finding) -> Message:
    fixable = "not-fixable" if rule["fix_availability"] == "None" else "fixable"
    area = one.file.split("/")[0].removesuffix(".py")
    return {
        "kind": "record_pattern",
        "pattern_type": rule["linter"],
        "pattern_name": _pattern_name(rule),
        "description": rule["summary"],
        "context_tags": [one.code.rstrip("0123456789"), rule["category"], fixable, area],
        "suggested_action": one.fix or None,
        "provenance": {"job_hash": one.file, "sheet_num": one.row},
        "instrument_name": "ruff",
    }


def _application(rule: Rule, trial: Trial, outcome: Outcome) -> Message:
    return {
        "kind": "record_pattern_application",
        "pattern_id": pattern_id(rule["linter"], _pattern_name(rule)),
        "execution_id": f"{trial.code}:{trial.file}",
        "pattern_led_to_success": outcome.success,
        "retry_count_before": min(outcome.before, MOST_RETRIES),
        "retry_count_after": min(outcome.after, MOST_RETRIES),
        "application_mode": "exploitation" if outcome.safe else "exploration",
        "validation_passed": outcome.parses,
        "grounding_confidence": round(max(0.0, 1 - outcome.after / outcome.before), 4),
    }


def _figures(messages: list[Message]) -> str:
    sightings = [one for one in messages if one["kind"] == "record_pattern"]
    tries = [one for one in messages if one["kind"] == "record_pattern_application"]
    good = sum(bool(one["pattern_led_to_success"]) for one in tries)
    rules = len({one["pattern_name"] for one in sightings})
    return f"{len(sightings)} sightings of {rules} rules, {len(tries)} applications ({good} successful)"


def _write(path: Path, messages: list[Message]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = "".join(f"{json.dumps(one, ensure_ascii=False)}\n" for one in messages)
    # No time and no name in the header: the same messages give the same bytes.
    with path.open("wb") as file, gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
        packed.write(lines.encode())


if __name__ == "__main__":
    warnings.simplefilter("ignore", SyntaxWarning)  # of the code that is only parsed here
    main()
