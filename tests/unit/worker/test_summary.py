"""One line in the log for what a worker did, if it did anything."""

from collections.abc import Generator

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from store.events import Event
from store.writing.committed import Committed
from tests.waiting import wait_until
from worker.observability.summary import Summary

NOW = 1_800_000_000_000_000
NEVER = 3600.0


@pytest.fixture
def logs() -> Generator[list[EventDict]]:
    """What is logged."""
    with capture_logs() as logs:
        yield logs


def committed(*lags: float) -> Committed:
    """A transaction that applied as many messages, with these lags in seconds."""
    events = [Event(id="i", kind="k", occurred_at=NOW - round(lag * 1e6), content="") for lag in lags]
    made = Committed(NOW, brought=len(lags), applied=events)
    made.counts["applied"] = len(lags)
    return made


def test_it_logs_at_the_end_what_is_left(logs: list[EventDict]) -> None:
    """The sums of all transactions since its last line."""
    summary = Summary(NEVER)
    summary.start()
    other = committed()
    other.counts.update(applied=1, duplicates=2, merges=1)
    other.parked, other.quarantined = [Event(id="p", kind="k", occurred_at=0, content="")], ["not_json"]
    for each in (committed(1, 3), committed(-5), other):
        summary.add(each)
    summary.stop()

    expected: EventDict = {"event": "messages_handled", "log_level": "info", "transactions": 3, "applied": 4}
    expected |= {"duplicates": 2, "merges": 1, "parked": 1, "quarantined": 1}
    assert [expected | {"lag_seconds": 1.333, "longest_lag_seconds": 3.0}] == logs


def test_without_transactions_there_is_no_line(logs: list[EventDict]) -> None:
    """However often it would be due."""
    summary = Summary(every=0.001)
    summary.start()
    summary.add(committed(0))
    wait_until(lambda: logs, why="there is a line")
    summary.stop()

    assert ["messages_handled"] == [each["event"] for each in logs]


def test_each_line_is_about_what_came_since_the_last(logs: list[EventDict]) -> None:
    """No message is counted twice, and none is left out."""
    summary = Summary(every=0.001)
    summary.start()
    for number in range(3):
        summary.add(committed(*[0] * (number + 1)))
        wait_until(lambda number=number: len(logs) == number + 1, why="there is a line")
    summary.stop()

    assert [1, 2, 3] == [each["applied"] for each in logs]


def test_without_timed_messages_there_is_no_lag(logs: list[EventDict]) -> None:
    """A mean of no values does not exist."""
    summary = Summary(NEVER)
    summary.start()
    summary.add(Committed(NOW, quarantined=["not_json"]))
    summary.stop()

    assert "lag_seconds" not in logs[0]
