"""Waiting for processes: patience lasts while they work, however slowly, and runs out while they do nothing."""

import subprocess
import sys

from tests.waiting import comes_true, ended

# Several times as long as the patience.
WORKING = "import time\nwhile time.process_time() < 3: pass"
PATIENCE = 0.5


def test_a_process_that_works_is_waited_for() -> None:
    """For longer than the time in which nothing may move."""
    with subprocess.Popen([sys.executable, "-c", WORKING]) as process:
        assert comes_true(lambda: process.poll() is not None, seconds=PATIENCE)
        assert 0 == ended(process)


def test_a_process_that_does_nothing_is_given_up() -> None:
    """It still runs then."""
    with subprocess.Popen(["sleep", "60"]) as process:
        assert not comes_true(lambda: process.poll() is not None, seconds=PATIENCE)
        process.kill()
        assert -9 == ended(process)
