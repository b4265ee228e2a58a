"""The fault tests' options, and their table at the end of a run; a plugin of pytest, loaded by `tests/conftest.py`.

A test hands in its `Result` by the fixture ``record``; from a process of pytest-xdist it travels in the test's report.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest

from tests.faults.results import Result, append, from_json, table

_KEY = "fault result"
_DEFAULT_SEED = "1"
Record = Callable[[Result], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    """How the fault tests are run."""
    group = parser.getgroup("faults", "the fault tests")
    group.addoption("--faults-seed", default=_DEFAULT_SEED, help="what everything random comes from (default: 1)")
    group.addoption("--faults-results", type=Path, help="a file to which the results are added, as lines of JSON")


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> str:
    """What everything random in this test comes from."""
    return f"{request.config.getoption('--faults-seed')}"


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Record:
    """Hand in a result for the table."""
    properties: list[tuple[str, object]] = request.node.user_properties

    def record(result: Result) -> None:
        properties.append((_KEY, vars(result)))

    return record


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table, and add the results to the file that was asked for."""
    results = list(_results(terminalreporter))
    # A process of pytest-xdist has a reporter too, whose output is dropped.
    if not results or hasattr(config, "workerinput"):
        return
    terminalreporter.section(f"faults, seed {config.getoption('--faults-seed')}")
    terminalreporter.write_line(table(results))
    file = cast("Path | None", config.getoption("--faults-results"))
    if file is not None:
        append(file, results)


def _results(reporter: pytest.TerminalReporter) -> Iterator[Result]:
    for each in (*reporter.stats.get("passed", ()), *reporter.stats.get("failed", ())):
        if each.when == "call":
            yield from (from_json(value) for key, value in each.user_properties if key == _KEY)
