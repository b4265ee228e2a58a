"""A pytest plugin that reports to Ostinato which tests fail, and whether running them again helps. See README.md."""

import sys
import time
import warnings
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ostinato import Producer, RecordPattern, RecordPatternApplication

FAILURE, FLAKY = "test_failure", "flaky_test"
REMEDY = "Run it again"
_CACHE = "ostinato/failed"
_LONGEST_NAME = 500
_LONGEST_LINE = 200
# The end of a session with failures may take this long to send messages; another process sends the rest.
_SECONDS = 0.5


def pytest_configure(config: pytest.Config) -> None:
    """Start the listener; with pytest-xdist, only in the controller, which gets every report."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Listener(config), "ostinato-listener")


class Listener:
    """Notes the outcome of each test run, and reports them at the end. Raises nothing, changes no outcome."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        # Missing if pytest's own cache plugin is turned off.
        self._cache: Any = getattr(config, "cache", None)
        self._project = config.rootpath.name
        self._session = f"{self._project} {datetime.now(UTC).isoformat(timespec='seconds')}"[-_LONGEST_LINE:]
        self._reports: defaultdict[str, list[pytest.TestReport]] = defaultdict(list)
        # When each test failed last, in seconds since 1970: in this session, and in earlier ones.
        self._failed: dict[str, float] = {}
        self._failed_before: dict[str, float] = {}
        self._notes: list[RecordPattern | RecordPatternApplication] = []
        self._trouble = ""

    def pytest_sessionstart(self) -> None:
        """Read which tests failed in earlier sessions."""
        try:
            if self._cache is not None:
                self._failed_before = {str(test): float(at) for test, at in self._cache.get(_CACHE, {}).items()}
        except Exception as error:  # noqa: BLE001 - the tests come first
            self._trouble = str(error)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take one part of a run: set-up, call or tear-down, which is the last."""
        reports = self._reports[report.nodeid]
        reports.append(report)
        # A run that pytest-rerunfailures repeats ends with the part that failed.
        if report.when == "teardown" or (_failed(report) and not report.failed):
            del self._reports[report.nodeid]
            try:
                self._over(report.nodeid, reports)
            except Exception as error:  # noqa: BLE001 - the tests come first
                self._trouble = str(error)

    def pytest_sessionfinish(self) -> None:
        """Report the notes; keep the failures for the next session."""
        try:
            if self._cache is not None:
                self._cache.set(_CACHE, self._failed_before | self._failed)
            if self._notes:
                self._tell()
        except Exception as error:  # noqa: BLE001 - the tests come first
            self._trouble = str(error)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what went wrong, if anything did."""
        if self._trouble:
            terminalreporter.write_line(f"ostinato: not everything was recorded: {_line(self._trouble)}")

    def _over(self, test: str, reports: Sequence[pytest.TestReport]) -> None:
        failure = next(filter(_failed, reports), None)
        passed = failure is None and any(report.when == "call" and report.passed for report in reports)
        name = f"{self._project}/{test}"[-_LONGEST_NAME:]
        seen = RecordPattern(
            pattern_type=FAILURE,
            pattern_name=_line(name),
            description=None if failure is None else _error_of(failure),
            context_tags=["pytest", self._project[:_LONGEST_LINE]],
            suggested_action=REMEDY,
            instrument_name="pytest",
        )
        if (passed or failure is not None) and self._same_code(test):
            self._notes.append(self._applied(seen.pattern_id, helped=passed))
            if passed:
                self._notes.append(_flaky(seen))
        if failure is not None:
            self._notes.append(seen)
            self._failed[test] = time.time()
        elif passed:
            self._failed.pop(test, None)
            self._failed_before.pop(test, None)

    def _same_code(self, test: str) -> bool:
        """Whether this run of a test followed a failed run, without a change of code in between."""
        if test in self._failed:
            return True
        at = self._failed_before.get(test)
        # The controller of pytest-xdist has not loaded the modules that it would have to check.
        return at is not None and not self._config.pluginmanager.has_plugin("dsession") and self._changed() < at

    def _changed(self) -> float:
        """When the newest module of the project was written, in seconds since 1970."""
        files = (getattr(module, "__file__", None) for module in tuple(sys.modules.values()))
        own = (path for file in files if file and (path := Path(file)).is_relative_to(self._config.rootpath))
        return max((path.stat().st_mtime for path in own if path.exists()), default=0.0)

    def _applied(self, pattern_id: str, *, helped: bool) -> RecordPatternApplication:
        return RecordPatternApplication(
            pattern_id=pattern_id, execution_id=_line(self._session), pattern_led_to_success=helped
        )

    def _tell(self) -> None:
        with warnings.catch_warnings():
            # A project that turns warnings into errors means its own code.
            warnings.simplefilter("ignore")
            producer = Producer()
        try:
            for note in self._notes:
                producer.send(note)
        finally:
            producer.close(_SECONDS)


def _failed(report: pytest.TestReport) -> bool:
    """Whether a part of a run failed; `rerun` is the outcome that pytest-rerunfailures gives a failure it repeats."""
    return report.failed or str(report.outcome) == "rerun"


def _flaky(failure: RecordPattern) -> RecordPattern:
    return RecordPattern(
        pattern_type=FLAKY,
        pattern_name=failure.pattern_name,
        context_tags=failure.context_tags,
        suggested_action="Find out what it depends on besides the code",
        instrument_name="pytest",
    )


def _error_of(report: pytest.TestReport) -> str:
    """The first line of the error that the test raised."""
    crash = getattr(report.longrepr, "reprcrash", None)
    return _line(str(getattr(crash, "message", None) or report.longreprtext))


def _line(text: str) -> str:
    """A text's first line, with only the characters that messages allow."""
    first = next(iter(text.strip().splitlines()), "")[:_LONGEST_NAME]
    return "".join(each if each.isprintable() else "?" for each in first)
