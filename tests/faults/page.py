"""The table of many runs, and its place on its page."""

import os
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from tests.faults.results import Result, read, table
from tests.servers import brokers, databases

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "guarantees.md"
_BEGIN, _END = "<!-- the table: begin -->\n", "<!-- the table: end -->\n"
_PACKAGES = ("celery", "kombu", "redis", "sqlalchemy", "psycopg")


def show(file: Path, *, write: bool) -> None:
    """Print the table of a file that `tests.faults.results.append` has written; ``write``: put it on its page too."""
    results = read(file)
    written = f"{table(results)}\n\n{setting(results)}\n"
    sys.stdout.write(written)
    if write:
        PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8"), written), encoding="utf-8")


def with_table(page: str, written: str) -> str:
    """The page with another table; ValueError if it has no place for one."""
    before, begin, rest = page.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not (begin and end):
        raise ValueError(f"the page has no lines {_BEGIN!r} and {_END!r}")
    return f"{before}{begin}{written}{end}{after}"


def setting(results: Sequence[Result]) -> str:
    """Where the table comes from: seeds, machine and versions."""
    seeds = sorted({result.seed for result in results})
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    servers = "; ".join([*brokers.versions(), *databases.versions()])
    return f"Seeds: {', '.join(seeds)}.  \nMachine: {machine}; {packages}.  \nServers: {servers}."
