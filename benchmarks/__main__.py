"""`python -m benchmarks`: measure, print the table, and keep the results; see `docs/how-to/benchmarks.md`."""

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from types import FrameType
from typing import NoReturn

from benchmarks import chart, results, setting, table
from benchmarks.explanations import EXPLANATIONS
from benchmarks.results import Entry
from benchmarks.suite import BENCHMARKS
from worker.logs import configure_logs


def main(arguments: Sequence[str]) -> int:
    """Run one benchmark, or all; gives the exit code."""
    options = _parser().parse_args(arguments)
    # Started by a terminal or a service, it ends the same way: block by block, with every process that it started.
    signal.signal(signal.SIGTERM, _end)
    for name in [each for each in os.environ if each.startswith("OSTINATO_")]:
        del os.environ[name]
    if options.pages:
        write_pages(results.read())
        return 0
    configure_logs("WARNING")
    entries: list[Entry] = []
    for name in [options.name] if options.name else BENCHMARKS:
        entries.append(measured(name, quick=options.quick))
        if not options.quick:
            keep(entries[-1])
    if options.json:
        sys.stdout.write(results.text(entries))
    else:
        sys.stdout.write(table.quick(entries) if options.quick else table.body(entries, EXPLANATIONS))
    return 0


def measured(name: str, *, quick: bool) -> Entry:
    """Run the benchmark of this name, and say so on standard error."""
    machine, versions = setting.machine(), setting.versions()
    date, began = datetime.now(UTC).strftime("%Y-%m-%d %H:%M"), time.monotonic()
    _say(f"{name} ... ")
    figures = BENCHMARKS[name](quick=quick)
    seconds = round(time.monotonic() - began, 1)
    _say(f"{seconds} s\n")
    return Entry(name=name, date=date, seconds=seconds, machine=machine, versions=versions, figures=figures)


def keep(entry: Entry) -> None:
    """Put an entry into the results, and make the page and the chart again from all of them."""
    entries = results.updated(results.read(), entry, list(BENCHMARKS))
    results.RESULTS.write_text(results.text(entries), encoding="utf-8")
    write_pages(entries)


def write_pages(entries: Sequence[Entry]) -> None:
    """Make the page and the chart from entries."""
    table.PAGE.write_text(table.page(entries, EXPLANATIONS), encoding="utf-8")
    chart.CHART.parent.mkdir(exist_ok=True)
    chart.CHART.write_text(chart.svg(each for entry in entries for each in entry.figures), encoding="utf-8")


def _end(number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dev.py bench", description="Measure how fast it is, against baselines.")
    parser.add_argument("name", nargs="?", choices=tuple(BENCHMARKS), help="run this one only (default: all)")
    parser.add_argument("--json", action="store_true", help="print the results as JSON, and not as a table")
    parser.add_argument("--quick", action="store_true", help="only see that everything runs, and keep nothing")
    parser.add_argument("--pages", action="store_true", help="measure nothing: make page and chart from the results")
    return parser


def _say(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
