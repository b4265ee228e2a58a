"""`ostinato up`: everything runs; and when it ends, however it ends, nothing does."""

import os
import re
import signal
import sys

import pytest

from tests.leftovers import processes_of
from tests.product import Product
from tests.readers.dashboard import Dashboard, only_one
from tests.readers.screen import Terminal
from tests.waiting import ended, wait_until
from worker.processes.services import FLOWER_PORT


def nothing_runs(product: Product) -> bool:
    """Whether no process of this Ostinato is left."""
    return not processes_of(product.home)


def started(product: Product) -> dict[str, int]:
    """The process ids that `up` has said, by name."""
    found = re.findall(r"^(\w+) runs, process (\d+)$", product.log("up"), re.MULTILINE)
    return {name: int(pid) for name, pid in found}


def test_up_runs_from_nothing_and_stops_with_ctrl_c(alone: Product) -> None:
    """Broker, store, worker and beat come up in an empty home folder; Ctrl-C ends all of them with exit code 0."""
    with alone.up() as up:
        alone.wait_for(applied=1)
        assert {"broker", "worker", "beat"} == set(started(alone))
        assert 3 <= len(processes_of(alone.home))
        os.killpg(up.pid, signal.SIGINT)
        assert 0 == ended(up)
    assert alone.log("up").endswith("Stopping.\n")
    assert "Traceback" not in alone.log("up")
    wait_until(lambda: nothing_runs(alone), why="nothing is left")
    assert [[], []] == [list(folder.iterdir()) for folder in (alone.elsewhere, alone.temporary)]


def test_a_terminal_shows_a_line_that_changes(alone: Product) -> None:
    """In numbers, or what is wrong while the broker does not answer; what happens has lines of its own above it.

    Ctrl-C leaves nothing of it.
    """
    command = (sys.executable, "-m", "worker.cli", "up")
    with Terminal(*command, env=alone.env, cwd=alone.elsewhere, columns=200) as terminal:
        terminal.wait_for("Ostinato runs", "queued 0 · applied 1 (")
        broker = re.search(r"^broker runs, process (\d+)$", terminal.text(), re.MULTILINE)
        assert broker is not None
        os.kill(int(broker[1]), signal.SIGSTOP)
        terminal.wait_for("The broker does not answer", without="queued")
        os.kill(int(broker[1]), signal.SIGCONT)
        shown = terminal.wait_for("queued 0 · applied 1 (", without="The broker does not answer")
        [worker] = re.findall(r"^worker runs, process (\d+)$", shown, re.MULTILINE)
        os.kill(int(worker), signal.SIGKILL)
        shown = terminal.wait_for("worker starts again in 0.5 s")
        assert re.search(r"^worker ended with code 137; its log is ", shown, re.MULTILINE), shown
        terminal.type(b"\x03")
        assert 0 == terminal.ended()
        assert "Stopping." in terminal.text()
        assert "queued" not in terminal.text()


def test_kill_9_of_up_leaves_nothing(alone: Product) -> None:
    """Its broker, worker and beat end by themselves, and the next `up` goes on with what they had."""
    with alone.up() as up:
        alone.wait_for(applied=1)
        os.kill(up.pid, signal.SIGKILL)
        assert 128 + signal.SIGKILL == ended(up)
        wait_until(lambda: nothing_runs(alone), why="nothing is left")
    with alone.up():
        alone.wait_for(duplicates=1)


def test_up_restarts_what_ends(alone: Product) -> None:
    """A killed worker is replaced, and says so."""
    with alone.up():
        alone.wait_for(applied=1)
        first = started(alone)["worker"]
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: started(alone)["worker"] != first, why="another worker runs")
        log = alone.home / "logs" / "worker.log"
        assert f"worker ended with code 137; its log is {log}\nworker starts again in 0.5 s\n" in alone.log("up")


@pytest.mark.long
def test_up_goes_on_trying_to_start_what_cannot_start(alone: Product) -> None:
    """It says why: here there is something in the place of a log."""
    log = alone.home / "logs" / "worker.log"
    with alone.up():
        alone.wait_for(applied=1)
        log.unlink()
        log.mkdir()
        os.kill(first := started(alone)["worker"], signal.SIGKILL)
        said = re.compile(r"^worker could not start: .*Is a directory.*\nworker starts again in 1 s$", re.MULTILINE)
        wait_until(lambda: said.search(alone.log("up")), why="it says that it could not start")
        log.rmdir()
        wait_until(lambda: started(alone)["worker"] != first, why="another worker runs")


def test_second_up_on_the_same_home_is_refused(alone: Product) -> None:
    """In one sentence, which says what to do, with exit code 2; the first goes on."""
    with alone.up() as first:
        alone.wait_for(applied=1)
        assert alone.cli("up").sentence(2) == (
            f"Ostinato is already running in {alone.home} (process {first.pid}): use that one, or stop it first, by "
            f"Ctrl-C or `kill {first.pid}`. Another one needs a folder of its own: OSTINATO_HOME."
        )
        assert None is first.poll()


@pytest.mark.long
def test_up_uses_a_broker_of_ones_own(embedded: Product) -> None:
    """With OSTINATO_BROKER_URL no broker is started; worker and beat use the one that is named."""
    with embedded.up(env={"OSTINATO_BROKER_URL": embedded.settings.broker_address}):
        embedded.wait_for(applied=1)
        assert {"worker", "beat"} == set(started(embedded))


def test_up_with_flower_says_where_it_is_and_how_to_enter(alone: Product) -> None:
    """The password that it shows opens the dashboard, and nothing else does."""
    dashboard = Dashboard(FLOWER_PORT)
    with only_one():
        assert not dashboard.answers(), f"another program uses port {FLOWER_PORT}"
        with alone.up("--flower"):
            wait_until(dashboard.answers, why="the dashboard answers")
            shown = re.search(
                r"^Flower: http://127.0.0.1:(\d+) \(user (\S+), password (\S+)\)$", alone.log("up"), re.MULTILINE
            )
            assert shown is not None
            port, user, password = shown.groups()
            assert str(FLOWER_PORT) == port
            assert [401, 200] == [dashboard.ask("/", each).status for each in (None, f"{user}:{password}")]
