"""Trouble in the log."""

import math

from structlog.testing import capture_logs

from tasks.trouble import Trouble


def test_trouble_is_said_once_each_time_it_begins_and_ends() -> None:
    """However often it is met, and not at all while all is well."""
    trouble = Trouble("bad", "good")
    with capture_logs() as logs:
        trouble.end()
        trouble.begin("first")
        trouble.begin("second")
        trouble.end()
        trouble.end()
        trouble.begin("third")

    assert [("bad", "first"), ("good", None), ("bad", "third")] == [
        (each["event"], each.get("detail")) for each in logs
    ]


def test_what_comes_and_goes_is_one_trouble() -> None:
    """It is over only after the calm time without trouble."""
    trouble = Trouble("bad", "good", calm=math.inf)
    with capture_logs() as logs:
        trouble.begin("first")
        trouble.end()
        trouble.begin("second")

    assert ["bad"] == [each["event"] for each in logs]
