"""`ostinato health`, as a container asks: an exit code, and a sentence that says what is wrong."""

import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager

import pytest

from tests.product import Product
from tests.waiting import wait_until

PARTS = ("worker", "beat", "broker", "store")
PROBLEMS = {
    "another policy": ({"maxmemory-policy": "allkeys-lru"}, "The broker throws messages away"),
    "full": ({"maxmemory": "1"}, "The broker's memory is full"),
}


@contextmanager
def configured(product: Product, options: Mapping[str, str]) -> Generator[None]:
    """A broker with these options."""
    before = product.client.config_get(*options)
    for name, value in options.items():
        product.client.config_set(name, value)
    yield
    for name in options:
        product.client.config_set(name, before[name])


@pytest.mark.parametrize("part", PARTS)
def test_what_works_is_healthy(running: Product, part: str) -> None:
    """Exit code 0, in words and as JSON."""
    wait_until(lambda: running.cli("health", part).code == 0, why=f"{part} is healthy")
    assert (0, f"The {part} is healthy.\n", "") == running.cli("health", part)
    code, out, err = running.cli("health", part, "--json")
    assert (0, "") == (code, err)
    assert {"part": part, "healthy": True, "problem": None, "warnings": []} == json.loads(out)


@pytest.mark.parametrize(("options", "said"), PROBLEMS.values(), ids=PROBLEMS)
def test_a_broker_that_does_not_keep_or_take_messages(running: Product, options: Mapping[str, str], said: str) -> None:
    """Exit code 1, though it answers; the sentence stands in the JSON too."""
    with configured(running, options):
        code, out, err = running.cli("health", "broker", "--json")
    assert (1, 1) == (code, len(err.splitlines()))
    assert err.startswith(said)
    assert (False, err) == (json.loads(out)["healthy"], json.loads(out)["problem"] + "\n")


def test_a_broker_without_a_file_is_a_warning(running: Product) -> None:
    """It takes messages; what becomes of them is for people to know."""
    with configured(running, {"appendonly": "no"}):
        code, out, err = running.cli("health", "broker")
    assert (0, "The broker is healthy.\n") == (code, out)
    assert err == "Its append-only file is off: a restart loses what is queued.\n"


def test_a_broker_that_follows_another_takes_no_messages(embedded: Product) -> None:
    """It answers, and refuses every write."""
    embedded.client.replicaof("127.0.0.1", "1")
    code, _, err = embedded.cli("health", "broker")
    assert (1, "The broker is a replica, which takes no messages: use its primary.\n") == (code, err)


def test_each_answers_for_its_own_machine(embedded: Product) -> None:
    """A worker elsewhere does not help the one that should be here, unless any will do."""
    code, _, err = embedded.cli("health", "worker")
    assert (1, True) == (code, err.startswith("No worker on this machine"))
    say = "return redis.call('ZADD', KEYS[1], redis.call('TIME')[1], ARGV[1])"
    embedded.client.eval(say, 1, "ostinato:worker", "elsewhere other")
    code, _, err = embedded.cli("health", "worker")
    assert (1, True) == (code, "elsewhere 1 do" in err)
    assert 0 == embedded.cli("health", "worker", "--any").code


def test_beat_is_there_while_it_runs(embedded: Product) -> None:
    """And at once no longer, when it has stopped."""
    with embedded.beat() as beat:
        wait_until(lambda: embedded.cli("health", "beat").code == 0, why="beat is there")
        assert 0 == beat.stop()
    code, _, err = embedded.cli("health", "beat")
    assert (1, True) == (code, err.startswith("Beat does not tick on this machine"))


@pytest.mark.parametrize("part", PARTS)
def test_without_a_broker_and_a_store(alone: Product, part: str) -> None:
    """The exit codes that every command has for that, one sentence, and JSON all the same."""
    code, out, err = alone.cli("health", part, "--json")
    assert (4 if part == "store" else 3, 1) == (code, len(err.splitlines()))
    assert "`ostinato up`" in err
    assert {"part": part, "healthy": False, "problem": err.strip(), "warnings": []} == json.loads(out)
