"""The two forms of the tests, the short one and the long one; a plugin that `tests/conftest.py` loads.

* The short form (no option) leaves out the cases marked ``long``, and tests that count do a fifth of their counts.
* The long form (``--long``) runs the others: what is marked ``long``, and what counts, with the full counts and fresh
  seeds.
* ``--full`` runs every case, with the full counts.

A test counts if it uses the fixture `full`, or one that does. A case named on the command line runs in either form.
"""

import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import settings

_PARTS = 5
# Slow files first, so that no process of pytest-xdist is left with one at the end.
_ORDER = ("faults", "acceptance", "integration", "architecture", "unit")
Scaled = Callable[[int], int]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Which form it is."""
    group = parser.getgroup("forms", "the forms of the tests")
    group.addoption("--long", action="store_true", help="run what the short form leaves out, with the full counts")
    group.addoption("--full", action="store_true", help="run every case, with the full counts")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Searches have no deadline, and fresh seeds where the counts are full: one for all, which the header tells."""
    settings.register_profile("untimed", settings(), deadline=None)
    settings.load_profile("untimed")
    if _is_full(config) and config.getoption("--hypothesis-seed") is None:
        config.option.hypothesis_seed = f"{random.randrange(2**32)}"  # noqa: S311 - to be repeated, not to be secret


def pytest_report_header(config: pytest.Config) -> str:
    """Say which form it is, and how its searches are repeated."""
    if not _is_full(config):
        return "form: short"
    form = "full" if config.getoption("--full") else "long"
    return f"form: {form}, its searches with --hypothesis-seed={config.getoption('--hypothesis-seed')}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what belongs to the other form; bring the slow folders to the front."""
    left_out = [] if config.getoption("--full") else [item for item in items if not _belongs(config, item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
    kept = set(items) - set(left_out)
    items[:] = sorted((item for item in items if item in kept), key=_place)


@pytest.fixture(scope="session")
def full(request: pytest.FixtureRequest) -> bool:
    """Whether this test does its full counts."""
    return _is_full(request.config)


@pytest.fixture(scope="session")
def scaled(full: bool) -> Scaled:  # noqa: FBT001 - a fixture
    """What gives the count for this form of a full one: a fifth of it, but at least one, or all of it."""
    return lambda count: count if full else max(1, count // _PARTS)


def _is_full(config: pytest.Config) -> bool:
    return bool(config.getoption("--long") or config.getoption("--full"))


def _belongs(config: pytest.Config, item: pytest.Item) -> bool:
    if any("::" in name and item.nodeid.startswith(name) for name in _named(config)):
        return True
    is_long = item.get_closest_marker("long") is not None and item.get_closest_marker("each_broker") is None
    if config.getoption("--long"):
        return is_long or "full" in getattr(item, "fixturenames", ())
    return not is_long


def _named(config: pytest.Config) -> Sequence[str]:
    root = config.rootpath
    paths = (argument.partition("::") for argument in config.args)
    return [f"{_relative(root, path)}{mark}{case}" for path, mark, case in paths]


def _relative(root: Path, path: str) -> str:
    whole = Path(path).resolve()
    return str(whole.relative_to(root)) if whole.is_relative_to(root) else path


def _place(item: pytest.Item) -> int:
    room = item.nodeid.split("/")[1] if "/" in item.nodeid else ""
    return _ORDER.index(room) if room in _ORDER else 0
