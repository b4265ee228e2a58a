"""Waiting for processes: patience lasts while they work, however slowly, and runs out while they do nothing."""

import subprocess
import sys
import time

from tests.waiting import comes_true, ended

PATIENCE = 0.5


def outlasts_patience(*command: str) -> bool:
    """Whether a wait goes on for several times the time in which nothing may move, beside this command."""
    with subprocess.Popen(command) as process:
        enough = time.monotonic() + 4 * PATIENCE
        found = comes_true(lambda: time.monotonic() > enough, seconds=PATIENCE)
        process.kill()
        assert -9 == ended(process)
    return found


def test_a_wait_goes_on_while_a_process_works() -> None:
    """However little of a CPU it gets."""
    assert outlasts_patience(sys.executable, "-c", "while True: pass")


def test_a_wait_ends_when_nothing_moves() -> None:
    """Though the process still runs."""
    assert not outlasts_patience("sleep", "60")
