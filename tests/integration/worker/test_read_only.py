"""As in a container: no rights, no home of the user's, and nothing that can be written but the home folder."""

import shutil
import subprocess
import sys

import pytest

from ostinato.messages.models import RecordPattern
from tests.conftest import missing
from tests.product import Product

# In a name space of its own for what is mounted; the working folder stays on the side that cannot be written.
WALL = """
mount --bind "$0" "$0" && mount -o remount,bind,ro / &&
unset HOME TMPDIR COVERAGE_PROCESS_START COVERAGE_PROCESS_CONFIG &&
exec setpriv --no-new-privs --bounding-set=-all --inh-caps=-all "$@"
"""
TRY = """
import os, sys
from pathlib import Path
from contextlib import suppress
Path(sys.argv[1], "written").touch()
for folder in (".", "/tmp", "/var/tmp", "/", os.path.dirname(sys.executable)):
    with suppress(OSError):
        Path(folder, "written").touch()
        Path(folder, "written").unlink()
        print(folder)
"""


def _wall_can_be_made() -> bool:
    unshare = shutil.which("unshare")
    made = unshare and subprocess.run([unshare, "--mount", "true"], check=False, capture_output=True).returncode == 0
    return bool(made and shutil.which("setpriv"))


def walled(product: Product, *command: str) -> list[str]:
    """A command of Python's behind the wall."""
    if not _wall_can_be_made():
        missing("this needs setpriv, and a root who may use unshare")
    wall = ["unshare", "--mount", "--propagation", "private", "sh", "-c", WALL, str(product.home)]
    return [*wall, sys.executable, *command]


@pytest.fixture
def celery(embedded: Product) -> list[str]:
    """The words before those of one of Celery's commands, behind the wall."""
    return walled(embedded, "-m", "celery", "-A", "worker")


def test_the_wall_lets_nothing_through(embedded: Product) -> None:
    """So that the tests below prove something: only the home folder can be written."""
    assert (0, "", "") == embedded.run(*walled(embedded, "-c", TRY, str(embedded.home)))


def test_worker_and_beat_write_to_the_home_folder_only(embedded: Product, celery: list[str]) -> None:
    """Both do their work: a slot is sent, and what was sent is applied."""
    assert 0 == embedded.run(*walled(embedded, "-m", "worker.cli", "migrate")).code
    with embedded.start("worker", *celery, "worker") as worker, embedded.start("beat", *celery, "beat") as beat:
        embedded.send(RecordPattern(pattern_type="test", pattern_name="behind the wall"))
        embedded.wait_for(applied=2)
        assert 0 == embedded.run(*walled(embedded, "-m", "worker.cli", "status")).code
        assert (0, 0) == (beat.stop(), worker.stop())
