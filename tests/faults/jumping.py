"""A worker whose clock can be set while it runs: `celery -A tests.faults.jumping worker`.

``OSTINATO_TEST_CLOCK`` names a file; its text is by how many seconds the clock is wrong. Durations, which are measured
by another clock, stay right.
"""

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

CLOCK = "OSTINATO_TEST_CLOCK"


def put(file: Path, seconds: int) -> None:
    """Let the clock of a worker be wrong by this many seconds from now on."""
    new = file.with_suffix(".new")
    new.write_text(str(seconds), encoding="utf-8")
    new.replace(file)


def follow(file: Path) -> None:
    """From now on this process reads a clock that is wrong by what the file says."""
    right: Callable[[], int] = time.time_ns

    def wrong() -> int:
        return right() + int(file.read_text(encoding="utf-8")) * 1_000_000_000

    time.time_ns = wrong
    time.time = lambda: wrong() / 1e9


if CLOCK in os.environ:
    follow(Path(os.environ[CLOCK]))
    from worker.celery import app as app  # noqa: PLC0414 - what Celery looks for here
