"""The hooks that look at a commit: valid, without a network, and they do refuse."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.conftest import missing
from tests.waiting import LONGEST

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / ".pre-commit-config.yaml"
PRE_COMMIT = Path(sys.executable).with_name("pre-commit")
GOOD = '"""Says nothing."""\n'
# Wrong for the formatter, then for the linter.
DEFECTS = {"style": f"{GOOD}\nNUMBER = {{  }}\n", "lint": f"{GOOD}\nimport os\n"}


class Clone:
    """A git repository with this checkout's configuration and environment, and the hooks installed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()
        who = {
            f"GIT_{role}_{what}": "tests@localhost" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
        }
        # Whoever runs the tests from a hook of git's own has variables that lead to another repository.
        outside = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        self._env = outside | who | {"HOME": str(folder), "PRE_COMMIT_HOME": str(folder.with_name("cache"))}
        for name in (CONFIG.name, "pyproject.toml"):
            shutil.copy(ROOT / name, folder)
        (folder / ".venv").symlink_to(sys.prefix)
        (folder / ".gitignore").write_text(".venv\n")
        self.run("git", "init", "--quiet")
        self.run(str(PRE_COMMIT), "install", "--hook-type", "pre-commit")

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the clone."""
        return subprocess.run(
            command, cwd=self._folder, env=self._env, capture_output=True, text=True, check=False, timeout=LONGEST
        )

    def commit(self, text: str) -> subprocess.CompletedProcess[str]:
        """Try to commit a module with this text."""
        (self._folder / "module.py").write_text(text)
        self.run("git", "add", "--all")
        return self.run("git", "commit", "--message", "A module")


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    """A clone without a commit."""
    return Clone(tmp_path / "clone") if shutil.which("git") else missing("there is no git")


def test_the_configuration_is_valid() -> None:
    """In pre-commit's own words, warnings included."""
    found = subprocess.run([PRE_COMMIT, "validate-config", CONFIG], capture_output=True, text=True, check=False)
    assert (0, "") == (found.returncode, found.stdout + found.stderr)


def test_nothing_is_fetched() -> None:
    """Every hook runs what the checkout has; the checks of `dev.py check` come before a push."""
    repositories = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))["repos"]
    assert ["local"] == [each["repo"] for each in repositories]
    hooks = repositories[0]["hooks"]
    assert {"system"} == {hook["language"] for hook in hooks}
    assert ["python3 dev.py check"] == [hook["entry"] for hook in hooks if hook["stages"] == ["pre-push"]]


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_commit_with_a_defect_is_refused_and_without_it_passes(clone: Clone, defect: str) -> None:
    """The hook of that name fails and there is no commit; put right, there is one."""
    refused = clone.commit(DEFECTS[defect])
    assert 0 != refused.returncode
    assert [defect] == re.findall(r"^(\w+)\.+Failed$", refused.stderr, re.MULTILINE)
    assert 0 != clone.run("git", "rev-parse", "--verify", "HEAD").returncode

    passed = clone.commit(GOOD)
    assert 0 == passed.returncode, passed.stderr
    assert "1" == clone.run("git", "rev-list", "--count", "HEAD").stdout.strip()
