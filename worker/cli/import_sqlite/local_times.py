"""From the predecessor's times, local and without a zone, to UTC."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ostinato.errors import ConfigurationError


def zone_named(name: str | None) -> ZoneInfo | None:
    """The time zone of that name; None, the machine's own, without a name. ConfigurationError for an unknown one."""
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigurationError(f"{name!r} is no time zone known here; write one as in Europe/Berlin.") from None


def to_utc(text: str, zone: ZoneInfo | None) -> datetime | None:
    """The moment that a time in ISO 8601 means, in UTC; None if it means none.

    An offset that stands there counts. Without one it is what the clocks of the zone showed: the earlier of two
    moments where they were put back, and where they were put forward, so much after the change as it seems to lie
    after it by the old clock.
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
    # Of a time that the clocks left out, Python takes the two readings for each other's.
    shown = earlier.astimezone().replace(tzinfo=None)
    return earlier if shown == written else later
