"""Errors of those who look on."""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, suppress

import pytest
from structlog.testing import capture_logs

from worker.observability.isolation import Isolation


@contextmanager
def breaks(*, begin: bool = False, end: bool = False) -> Generator[None]:
    """Somebody who looks on, and fails."""
    if begin:
        raise ValueError("begin")
    try:
        yield
    finally:
        if end:
            raise ValueError("end")


@contextmanager
def swallows() -> Generator[None]:
    """Somebody who looks on, and takes errors for itself."""
    with suppress(RuntimeError):
        yield


def test_an_error_ends_who_looks_on_and_is_said_once_for_each_kind() -> None:
    """With its name, however often it fails; and again where it fails in another way, or another does."""
    isolation = Isolation()
    with capture_logs() as logs:
        for who, error in [("one", ValueError()), ("one", ValueError()), ("one", TypeError()), ("two", ValueError())]:
            with isolation.keeping(who):
                raise error

    assert [("watch_failed", "one"), ("watch_failed", "one"), ("watch_failed", "two")] == [
        (each["event"], each["watch"]) for each in logs
    ]


@pytest.mark.parametrize("when", ["begin", "end"])
def test_what_is_looked_at_runs_whether_or_not_it_is_seen(when: str) -> None:
    """Its begin and its end may fail."""
    ran: list[str] = []
    with capture_logs() as logs, Isolation().around("one", lambda: breaks(**{when: True})):
        ran.append("it")

    assert (["it"], 1) == (ran, len(logs))


@pytest.mark.parametrize("looks_on", [lambda: breaks(end=True), swallows])
def test_errors_of_what_is_looked_at_come_out(looks_on: Callable[[], AbstractContextManager[None]]) -> None:
    """As they are, whatever who looks on makes of them."""
    with (
        capture_logs(),
        pytest.raises(RuntimeError, match="of its own"),
        Isolation().around("one", looks_on),
    ):
        raise RuntimeError("of its own")


def test_what_ends_the_process_is_nobodys_to_keep() -> None:
    """Only errors are kept."""
    with pytest.raises(SystemExit), Isolation().keeping("one"):
        raise SystemExit
