"""The help of the command line."""

from importlib.metadata import version
from itertools import pairwise

import pytest

from tests.product import Product

COMMANDS = ((), ("send",), ("patterns", "list"), ("health",), ("health", "worker"))


def test_it_says_its_version(alone: Product) -> None:
    """The version of the package."""
    assert (0, f"ostinato {version('ostinato')}\n", "") == alone.cli("--version")


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_helps(alone: Product, words: tuple[str, ...]) -> None:
    """By -h and --help."""
    short, long = (alone.cli(*words, option) for option in ("-h", "--help"))
    assert (0, long) == (short.code, short)
    assert f"ostinato {' '.join((*words, '[OPTIONS]'))}" in " ".join(long.out.split())


def test_help_wraps_only_where_the_terminal_ends(alone: Product) -> None:
    """A line ends because the next word does not fit on it, not because a line of the source ends there."""
    columns = 80
    lines = alone.cli("send", "-h", env={"COLUMNS": str(columns)}).out.splitlines()
    first = next(place for place, line in enumerate(lines) if "They travel" in line)
    paragraph = [line.strip() for line in lines[first : next(p for p in range(first, 99) if not lines[p].strip())]]
    assert len(paragraph) > 3
    for line, following in pairwise(paragraph):
        assert columns - 2 <= len(line) + 1 + len(following.split()[0])
