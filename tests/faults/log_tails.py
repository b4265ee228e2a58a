"""The last lines of logs, to find out why a test failed."""

from collections.abc import Iterable
from pathlib import Path

LINES = 40


def log_tails(folders: Iterable[Path]) -> str:
    """The last lines of each file in these folders whose name ends in .log, under its path."""
    paths = (path for folder in folders for path in sorted(folder.rglob("*.log")))
    return "\n\n".join(f"== {path}\n{_tail(path)}" for path in paths)


def _tail(path: Path) -> str:
    return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-LINES:])
