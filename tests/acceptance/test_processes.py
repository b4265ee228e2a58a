"""The other tests run most commands in forks of a process that has loaded them; each says the same from its start."""

import pytest

from tests.product import Product

LINE = '{"kind": "record_pattern", "pattern_type": "test", "pattern_name": "x"}\n'
COMMANDS = (
    *("up", "send -", "status", "top --interval 0.4", "report /missing/page.html", "recalculate --wait", "migrate"),
    *("import-sqlite /missing", "export", "rebuild --verify", "prune --older-than 4w", "reconcile", "demo --missing"),
    *("health worker", "outbox status", "patterns show missing", "quarantine list", "", "--help", "--version"),
)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_says_the_same_from_its_start(running: Product, command: str) -> None:
    """The same texts, and the same exit code."""
    words = command.split()
    started, forked = (run(*words, stdin=LINE) for run in (running.ostinato, running.cli))
    if command in {"send -", "recalculate --wait", "status"}:
        # Between the two something more is applied, or its time is another.
        assert (started.code, len(started.out.splitlines())) == (forked.code, len(forked.out.splitlines()))
    else:
        assert started == forked
