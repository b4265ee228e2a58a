"""The examples, run as their first lines say, with a real worker and a real broker."""

import re
import sys
from pathlib import Path

import pytest

from ostinato.identity import pattern_id
from tests.product import Product
from tests.waiting import wait_until

EXAMPLES = Path(__file__).parents[2] / "examples"
# What always helps, as agent.py has it.
BEST = {
    "File not created": "Make the folder first",
    "Page times out": "Ask for less of it",
    "Two agents write one file": "Lock the file",
}
PROBLEM = pattern_id("order_failure", "Payment service is busy")


def run_agent(product: Product, *options: str) -> list[int]:
    """How many remedies each run had to try."""
    finished = product.run(
        sys.executable, str(EXAMPLES / "agent_loop" / "agent.py"), product.settings.store_address, *options
    )
    assert 0 == finished.code, finished.err
    return [int(tried) for tried in re.findall(r"^run \d+: (\d+) remedies", finished.out, re.MULTILINE)]


@pytest.mark.long
def test_an_agent_gets_better_and_another_begins_where_it_stopped(running: Product) -> None:
    """The first run tries much, the last ones what helps and nothing else; so does the first run of the next agent."""
    tried = run_agent(running, "--runs", "12")

    assert 12 == len(tried)
    assert tried[0] > 2 * len(BEST)
    assert [len(BEST)] * 3 == tried[-3:]
    assert sum(tried[:4]) > sum(tried[-4:])
    assert [len(BEST)] == run_agent(running, "--runs", "1")
    for problem, remedy in BEST.items():
        best = running.store.patterns(pattern_type="agent_problem", context_tags=[problem], limit=1)
        assert [remedy] == [each.suggested_action for each in best]


def test_a_plain_celery_application_is_heard(running: Product, tmp_path: Path) -> None:
    """Its worker takes six orders; what it tells is in the store, and nothing of ours was imported."""
    for package in ("worker", "tasks", "store"):
        (tmp_path / f"{package}.py").write_text("raise ImportError('this application does not know us')\n")
    broker = running.settings.broker_address
    env = {"BROKER_URL": broker, "PYTHONPATH": f"{EXAMPLES / 'plain_celery'}:{tmp_path}"}
    celery = (sys.executable, "-m", "celery", "-A", "shop", "worker", "-Q", "shop", "--pool", "solo")
    with running.start("shop", *celery, env=env):
        ordered = running.run(sys.executable, str(EXAMPLES / "plain_celery" / "shop.py"), env=env)
        assert 0 == ordered.code, ordered.err
        wait_until(lambda: "6 orders" == _told(running), why=f"six orders of {running.log('shop')}")

    pattern = running.store.pattern(PROBLEM)
    assert (6, 4, 2) == (pattern.occurrence_count, pattern.led_to_success_count, pattern.led_to_failure_count)
    assert "Ask it again after a second" == pattern.suggested_action
    stats = running.store.stats()
    assert (0, 0) == (stats.parked, stats.quarantined)


def _told(product: Product) -> str:
    found = product.store.patterns(pattern_type="order_failure", min_priority=0)
    return f"{sum(each.led_to_success_count + each.led_to_failure_count for each in found)} orders"
