"""Waiting for what other processes do."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
_POLL = 0.02


def comes_true(condition: Callable[[], object], *, seconds: float) -> bool:
    """Whether the condition has a true value within ``seconds``; returns as soon as it has."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL)
    return True


def wait_until(condition: Callable[[], T], *, why: str, seconds: float = 30.0) -> T:
    """The condition's first true value; a failure that names ``why`` if there is none within ``seconds``."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {why}"
        time.sleep(_POLL)
    return value
