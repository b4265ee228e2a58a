"""Times as the store keeps them: whole microseconds since 1970-01-01T00:00:00Z.

Integers compare, index and subtract alike in Python, SQLite and PostgreSQL, and know no time zone and no DST.
"""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

LATEST = (datetime.max.replace(tzinfo=UTC) - EPOCH) // _MICROSECOND
"""The last moment that a datetime can be, at the end of the year 9999."""


def to_micros(moment: datetime) -> int:
    """The microseconds of an aware datetime; TypeError for a naive one."""
    return (moment - EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """The aware datetime, in UTC."""
    return EPOCH + timedelta(microseconds=micros)
