"""`ostinato demo`: real messages through every part, and nothing left afterwards."""

import os
import re
import signal
import sys

import pytest

from tests.leftovers import processes_of
from tests.product import Product
from tests.waiting import ended, wait_until

DEMO = (sys.executable, "-m", "worker.cli", "demo")
LEDGER = re.compile(r"(\d+) sent = (\d+) applied \+ (\d+) parked \+ (\d+) quarantined, in [\d.]+ s \((\d+) messages")
LEARNT = re.compile(r"(\d+) patterns, (\d+) sightings, (\d+) applications")
PRODUCER = re.compile(r"^(\d+) \S+ -m worker\.cli send \S+/producer-0\.jsonl", re.MULTILINE)

# The demo with a timeout of zero.
IMPATIENT = """
import worker.cli.main, worker.cli.demo.command
worker.cli.demo.command._STUCK_SECONDS = 0.0
worker.cli.main.main()
"""


def nothing_left(product: Product) -> None:
    """Wait until no process of the demo is left."""
    wait_until(lambda: not processes_of(product.temporary), why="no process of the demo is left")


def test_demo_accounts_for_every_message(alone: Product) -> None:
    """It ends by itself with exit code 0; what it sent is applied, parked or quarantined, and it leaves nothing."""
    code, out, err = alone.run(*DEMO, env={"COLUMNS": "200"})
    assert 0 == code, err
    assert "Traceback" not in err
    ledger = LEDGER.search(out)
    learnt = LEARNT.search(out)
    assert ledger is not None
    assert learnt is not None
    sent, applied, parked, quarantined, _ = (int(number) for number in ledger.groups())
    assert (4176, 12, 0) == (sent, parked, quarantined)
    assert sent == applied + parked + quarantined
    assert ("360", "3133", "1031") == learnt.groups()
    assert "flake8-quotes: Q000 bad quotes inline string" in out
    assert [] == processes_of(alone.temporary)
    assert [[], [], []] == [list(folder.iterdir()) for folder in (alone.temporary, alone.elsewhere, alone.user)]


def working(product: Product) -> None:
    """Wait until the demo's producers send."""
    wait_until(lambda: list(product.temporary.glob("*/logs/producer-*.log")), why="the demo sends")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_a_signal_ends_the_demo_well(alone: Product, number: signal.Signals) -> None:
    """The exit code is 130; everything is stopped and removed."""
    with alone.start("demo", *DEMO) as demo:
        working(alone)
        os.killpg(demo.pid, number)
        assert 130 == ended(demo)
    assert "Traceback" not in alone.log("demo")
    nothing_left(alone)
    assert [] == list(alone.temporary.iterdir())


def test_a_demo_that_takes_too_long_gives_up(alone: Product) -> None:
    """It says what it waited for, shows the ends of the logs, and leaves nothing; the exit code is 4."""
    code, _, err = alone.run(sys.executable, "-c", IMPATIENT, "demo")
    assert (4, True) == (code, "Waited 0 s for the worker and beat to start, in vain." in err), err
    nothing_left(alone)
    assert [] == list(alone.temporary.iterdir())


@pytest.mark.long
def test_kill_9_of_the_demo_leaves_no_process(alone: Product) -> None:
    """Broker, worker, beat and producers end by themselves."""
    with alone.start("demo", *DEMO) as demo:
        working(alone)
        os.kill(demo.pid, signal.SIGKILL)
        assert 128 + signal.SIGKILL == ended(demo)
        nothing_left(alone)


@pytest.mark.long
def test_a_demo_whose_producer_dies_says_so(alone: Product) -> None:
    """It names the producer and shows the ends of the logs; the exit code is 4; everything is stopped and removed."""
    with alone.start("demo", *DEMO) as demo:
        working(alone)
        found = wait_until(lambda: PRODUCER.search("\n".join(processes_of(alone.temporary))), why="a producer runs")
        assert found is not None
        os.kill(int(found[1]), signal.SIGKILL)
        assert 4 == ended(demo)
    log = alone.log("demo")
    assert re.search(r"\d+ of \d+ messages arrived; failed: producer-0\.", log)
    assert "\nworker: " in log
    assert "Traceback" not in log
    nothing_left(alone)
    assert [] == list(alone.temporary.iterdir())
