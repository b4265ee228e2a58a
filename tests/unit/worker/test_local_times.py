"""The predecessor's local times in UTC, clock changes among them."""

import time
from collections.abc import Generator
from datetime import UTC, datetime

import pytest

from ostinato.errors import ConfigurationError
from worker.cli.import_sqlite.local_times import to_utc, zone_named


@pytest.fixture
def machine_in_new_york(monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    """The machine's time zone is that of New York during a test."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "America/New_York")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-01-31T12:00:00", "2026-01-31T11:00:00"),
        ("2026-07-31T12:00:00.000001", "2026-07-31T10:00:00.000001"),
        ("2026-07-31 12:00", "2026-07-31T10:00:00"),
        # Put back from 3 to 2 o'clock: the earlier one.
        ("2026-10-25T02:30:00", "2026-10-25T00:30:00"),
        ("2026-10-25T03:00:00", "2026-10-25T02:00:00"),
        # Put forward from 2 to 3 o'clock: half an hour after the change.
        ("2026-03-29T02:30:00", "2026-03-29T01:30:00"),
        ("2026-07-31T12:00:00Z", "2026-07-31T12:00:00"),
        ("2026-07-31T12:00:00-05:00", "2026-07-31T17:00:00"),
    ],
)
def test_a_time_means_what_the_clocks_of_the_zone_showed(text: str, utc: str) -> None:
    """In summer, in winter, and when clocks change; an offset in the text counts."""
    assert datetime.fromisoformat(utc).replace(tzinfo=UTC) == to_utc(text, zone_named("Europe/Berlin"))


@pytest.mark.usefixtures("machine_in_new_york")
@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-01-31T12:00:00", "2026-01-31T17:00:00"),
        ("2026-11-01T01:30:00", "2026-11-01T05:30:00"),
        ("2026-03-08T02:30:00", "2026-03-08T07:30:00"),
    ],
)
def test_without_a_zone_it_is_the_machines(text: str, utc: str) -> None:
    """By the same rules."""
    assert datetime.fromisoformat(utc).replace(tzinfo=UTC) == to_utc(text, zone_named(None))


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-02-30T00:00:00", "0001-01-01T00:00:00", "2026-13-01", "\udc80"]
)
def test_what_is_no_time_means_none(text: str) -> None:
    """Neither does a time that UTC cannot express."""
    assert to_utc(text, zone_named("Europe/Berlin")) is None


@pytest.mark.parametrize("name", ["Europe/Nowhere", "", "/etc/passwd", "../UTC", "Europe", "a\0b"])
def test_an_unknown_zone_is_a_sentence(name: str) -> None:
    """The error says how to write one."""
    with pytest.raises(ConfigurationError, match="is no time zone known here; write one as in Europe/Berlin"):
        zone_named(name)
