"""What is in the wheel."""

import configparser
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("worker", "tasks", "store")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    """The wheel, as a release makes it."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    [file] = folder.glob("ostinato-*.whl")
    return ZipFile(file)


def test_wheel_has_the_three_packages_and_nothing_else(wheel: ZipFile) -> None:
    """Every file of theirs, data included, and the metadata."""
    expected = {
        str(file.relative_to(ROOT))
        for package in PACKAGES
        for file in (ROOT / package).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    found = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert expected == found
    assert {*(f"{package}/py.typed" for package in PACKAGES), "worker/cli/demo/ruff-stdlib.jsonl.gz"} <= found
    assert {"store/database/migrations/env.py", "store/database/migrations/versions/r0001_first_schema.py"} <= found


def test_wheel_brings_the_command(wheel: ZipFile) -> None:
    """`ostinato`, and no other."""
    [name] = [each for each in wheel.namelist() if each.endswith("/entry_points.txt")]
    scripts = configparser.ConfigParser()
    scripts.read_string(wheel.read(name).decode())
    assert {"ostinato": "worker.cli.main:main"} == dict(scripts["console_scripts"])
    assert ["console_scripts"] == scripts.sections()
