"""The plugin for pytest of the examples: built, found by pytest by itself, and run on a small project."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from ostinato.identity import pattern_id
from store.errors import NotFound
from tests.product import Finished, Product

PLUGIN = Path(__file__).parents[2] / "examples" / "pytest_plugin"
SUITE = """
from pathlib import Path


def test_flaky():
    marker = Path(__file__).with_name("ran")
    ran = marker.exists()
    marker.touch()
    assert ran, "the server is not there"


def test_broken():
    assert 1 == 2


def test_fine():
    pass
"""
BROKEN, REPAIRED = "1 == 2", "1 == 1"


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that has what installing the plugin brings, its entry point included."""
    folder = tmp_path_factory.mktemp("plugin")
    shutil.copytree(PLUGIN, folder / "source")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=folder / "source", check=True, capture_output=True)
    [wheel] = folder.glob("pytest_ostinato-*.whl")
    ZipFile(wheel).extractall(folder / "site")
    return folder / "site"


class Project:
    """A project with three tests, in a folder of its own."""

    def __init__(self, folder: Path, installed: Path) -> None:
        folder.mkdir()
        self._folder, self._installed = folder, installed
        self.suite = folder / "test_suite.py"
        self.suite.write_text(SUITE)
        (folder / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")

    def test(self, product: Product, *options: str, **env: str) -> Finished:
        """Run its tests."""
        command = (sys.executable, "-B", "-m", "pytest", str(self._folder), *options)
        return product.run(*command, env={"PYTHONPATH": str(self._installed)} | env)

    def pattern_of(self, kind: str, test: str) -> str:
        """The id of what is said of a test."""
        return pattern_id(kind, f"{self._folder.name}/test_suite.py::{test}")


@pytest.fixture
def project(tmp_path: Path, installed: Path, request: pytest.FixtureRequest) -> Project:
    """A project of the test's own name, because what is recorded bears it."""
    return Project(tmp_path / str(request.node.name), installed)


def counts(product: Product, pattern: str) -> tuple[int, int, int]:
    """How often a pattern was seen, and how often running it again led to success, and to failure."""
    found = product.store.pattern(pattern)
    return found.occurrence_count, found.led_to_success_count, found.led_to_failure_count


def applied(product: Product) -> int:
    """How many messages the store has applied."""
    return product.store.stats().applied


def test_a_test_that_passes_when_it_is_run_again_is_flaky(running: Product, project: Project) -> None:
    """What fails and passes in one session had a success; what fails twice, a failure; the rest is not mentioned."""
    before = applied(running)
    finished = project.test(running, "--reruns", "1", "-p", "no:cacheprovider")

    assert "1 failed, 2 passed, 2 rerun" in finished.out, finished.out + finished.err
    running.wait_for(applied=before + 6)
    failed = running.store.pattern(project.pattern_of("test_failure", "test_flaky"))
    assert ("Run it again", "AssertionError: the server is not there") == (failed.suggested_action, failed.description)
    assert (1, 1, 0) == counts(running, failed.id)
    assert (1, 0, 0) == counts(running, project.pattern_of("flaky_test", "test_flaky"))
    assert (2, 0, 1) == counts(running, project.pattern_of("test_failure", "test_broken"))
    with pytest.raises(NotFound):
        running.store.pattern(project.pattern_of("test_failure", "test_fine"))


@pytest.mark.long
def test_a_later_session_counts_unless_the_code_was_changed(running: Product, project: Project) -> None:
    """The second session passes one test and fails the other. The third passes that too, by a change: not flaky."""
    before = applied(running)
    first = project.test(running)
    second = project.test(running)
    project.suite.write_text(SUITE.replace(BROKEN, REPAIRED))
    third = project.test(running)

    assert (1, 1, 0) == (first.code, second.code, third.code), first.out + second.out + third.out
    running.wait_for(applied=before + 6)
    assert (1, 1, 0) == counts(running, project.pattern_of("test_failure", "test_flaky"))
    assert (1, 0, 0) == counts(running, project.pattern_of("flaky_test", "test_flaky"))
    assert (2, 0, 1) == counts(running, project.pattern_of("test_failure", "test_broken"))
    with pytest.raises(NotFound):
        running.store.pattern(project.pattern_of("flaky_test", "test_broken"))


@pytest.mark.long
def test_several_processes_report_each_test_once(running: Product, project: Project) -> None:
    """With pytest-xdist it is the controller that tells."""
    before = applied(running)
    finished = project.test(running, "-n", "2")

    assert "2 failed, 1 passed" in finished.out, finished.out + finished.err
    running.wait_for(applied=before + 2)
    assert (1, 0, 0) == counts(running, project.pattern_of("test_failure", "test_broken"))


def test_without_a_broker_the_messages_wait(alone: Product, project: Project) -> None:
    """Nothing is said about it, and the outcome is the tests' own."""
    finished = project.test(alone)

    assert 1 == finished.code
    assert "2 failed, 1 passed" in finished.out
    assert ("", False) == (finished.err, "recorded" in finished.out)
    assert [2] == [each["waiting"] for each in json.loads(alone.cli("outbox", "status", "--json").out)]


def test_an_outbox_that_cannot_be_used_is_a_line_in_the_summary(alone: Product, project: Project) -> None:
    """And nothing else."""
    finished = project.test(alone, OSTINATO_HOME="/dev/null/nowhere")

    assert 1 == finished.code
    assert "2 failed, 1 passed" in finished.out
    assert 1 == finished.out.count("ostinato: not everything was recorded: The outbox folder")
    assert "INTERNALERROR" not in finished.out


def test_where_no_test_fails_there_is_nothing_to_tell(alone: Product, project: Project) -> None:
    """Not even an outbox."""
    finished = project.test(alone, "-k", "fine")

    assert 0 == finished.code
    assert not (alone.home / "outbox").exists()
