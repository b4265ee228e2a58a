"""Which package may know which: contracts that hold, and that are found broken when they are."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LINTER = Path(sys.executable).with_name("lint-imports")

# For each contract a module, and an import that breaks it.
VIOLATIONS = (
    ("client/ostinato/times.py", "store.events"),
    ("client/ostinato/outbox/file.py", "sqlalchemy"),
    ("client/ostinato/messages/fields.py", "ostinato.settings.broker"),
    ("store/writing/parking.py", "celery"),
    ("store/writing/inbox.py", "store.reading.records"),
    ("worker/clock.py", "worker.settings"),
    ("worker/broker/redis/lease.py", "worker.broker.rabbitmq.queues"),
    ("store/rules/scoring.py", "sqlalchemy"),
    ("client/ostinato/messages/models.py", "redis"),
)
KEPT = f"Contracts: {len(VIOLATIONS)} kept, 0 broken."
BROKEN = f"Contracts: 0 kept, {len(VIOLATIONS)} broken."


def lint(folder: Path, cache: Path) -> subprocess.CompletedProcess[str]:
    """What the linter says of the packages in a folder."""
    command = [str(LINTER), "--cache-dir", str(cache)]
    paths = os.pathsep.join([str(folder), str(folder / "client")])
    environment = os.environ | {"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_contracts_hold(tmp_path: Path) -> None:
    """Every contract of pyproject.toml is kept."""
    found = lint(ROOT, tmp_path)
    assert 0 == found.returncode, found.stdout
    assert KEPT in found.stdout


def test_violations_are_found(tmp_path: Path) -> None:
    """One planted against each contract breaks each."""
    for package in ("worker", "tasks", "store", "client"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for module, forbidden in VIOLATIONS:
        with (tmp_path / module).open("a") as file:
            file.write(f"\nimport {forbidden}\n")
    found = lint(tmp_path, tmp_path / "cache")
    assert 1 == found.returncode, found.stderr
    assert BROKEN in found.stdout
