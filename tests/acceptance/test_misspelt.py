"""A variable that looks like a setting and is none: one line says so, and everything goes on."""

import json

import pytest

from tests.product import Product
from tests.waiting import wait_until

# Not written as one word, which nothing of this repository reads.
NAME = "OSTINATO_" + "STROE"
SAID = f"{NAME} is no setting of this version, and ignored: is OSTINATO_STORE_URL meant?\n"
COMMANDS = (("migrate",), ("health", "store"), ("outbox", "status"), ("patterns", "list"))
PARTS = ("worker", "beat")


def test_every_command_says_it_once_in_words(alone: Product) -> None:
    """On standard error, without the value, whatever part of the settings it reads."""
    for words in COMMANDS:
        code, _, err = alone.cli(*words, env={NAME: "s3cret"})
        assert (0, SAID) == (code, err), words


def test_programs_read_on(alone: Product) -> None:
    """JSON is JSON all the same."""
    assert 0 == alone.cli("migrate").code
    _, out, err = alone.cli("status", "--json", env={NAME: "x"})
    assert 0 == json.loads(out)["received"]
    assert err.startswith(SAID)


@pytest.mark.long
@pytest.mark.parametrize("part", PARTS)
def test_a_part_says_it_in_its_log_and_works(embedded: Product, part: str) -> None:
    """An old worker beside a new variable has to start."""
    with getattr(embedded, part)(env={NAME: "x"}):
        wait_until(lambda: embedded.cli("health", part).code == 0, why=f"{part} is healthy")
        assert 1 == embedded.log(part).count(SAID)


@pytest.mark.long
def test_up_says_it_for_all_its_parts(alone: Product) -> None:
    """Once, and not in the log of each."""
    with alone.up(env={NAME: "x"}):
        alone.wait_for(applied=1)
        assert 1 == alone.log("up").count(SAID)
        assert [0, 0] == [alone.log(part).count(NAME) for part in PARTS]
