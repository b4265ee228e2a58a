"""The predecessor's local times, which have no zone, in UTC."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ostinato.errors import ConfigurationError


def zone_named(name: str | None) -> ZoneInfo | None:
    """The time zone of this name; None, for the machine's zone, if the name is None. ConfigurationError if unknown."""
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigurationError(f"{name!r} is no time zone known here; write one as in Europe/Berlin.") from None


def to_utc(text: str, zone: ZoneInfo | None) -> datetime | None:
    """A time in ISO 8601, in UTC; None if the text is no time.

    An offset in the text counts. A time without one is local time in the zone. If the clocks showed it twice, because
    they were put back, it is the earlier moment. If they skipped it, because they were put forward, it is read by the
    clock as it was before the change.
    """
    try:
        written = datetime.fromisoformat(text.strip())
        if written.tzinfo is None:
            return _by_the_machine(written) if zone is None else written.replace(tzinfo=zone).astimezone(UTC)
        return written.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _by_the_machine(written: datetime) -> datetime:
    earlier, later = sorted(written.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    # For a time that the clocks skipped, Python gives the two readings in reverse order.
    shown = earlier.astimezone().replace(tzinfo=None)
    return earlier if shown == written else later
