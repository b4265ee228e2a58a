"""Inject every fault, again and again, then print the table of all rounds: `python3 dev.py faults`."""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.faults.page import show

ROOT = Path(__file__).parents[2]
_PYTEST = "-m pytest -q -n 2 --dist loadfile --full --ignore tests/faults/test_planted_bugs.py tests/faults"
# Tests that failed; with any other code, the next round would be no better.
_DEFECTS_FOUND = 1


def main(arguments: Sequence[str]) -> int:
    """Run one command line and give its exit code."""
    parser = argparse.ArgumentParser(prog="dev.py faults", description="Inject every fault, again and again.")
    parser.add_argument("--minutes", type=float, default=30, help="begin no round after this time (default: 30)")
    parser.add_argument(
        "--seed", default=f"{time.time():.0f}", help="what is random follows from it (default: a new one)"
    )
    parser.add_argument("--write", action="store_true", help="put the table into docs/explanation/guarantees.md")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "results.jsonl"
        code = rounds(60 * options.minutes, options.seed, lambda seed: _pytest(seed, file))
        if file.exists():
            show(file, write=options.write)
    return code


def rounds(seconds: float, seed: str, run: Callable[[str], int]) -> int:
    """Run at least one round, and begin none after ``seconds``; gives the worst exit code.

    ``run`` runs a round with its seed and gives its exit code. A round that found defects does not end it.
    """
    began, number, worst = time.monotonic(), 0, 0
    while worst in {0, _DEFECTS_FOUND} and (not number or time.monotonic() - began < seconds):
        number += 1
        worst = run(f"{seed}.{number}") or worst
    return worst


def _pytest(seed: str, results: Path) -> int:
    command = [sys.executable, *_PYTEST.split(), f"--faults-seed={seed}", f"--faults-results={results}"]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
