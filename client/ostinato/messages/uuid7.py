"""UUIDv7 (RFC 9562, section 5.7): ids that sort by the millisecond in which they were made."""

import secrets
import time
from uuid import UUID

_VARIANT_AND_VERSION = (0x7 << 76) | (0b10 << 62)


def uuid7() -> UUID:
    """A new id, made now."""
    return uuid7_of(time.time_ns() // 1_000_000, secrets.randbits(74))


def uuid7_of(milliseconds: int, random: int) -> UUID:
    """The id of a moment (milliseconds since 1970 UTC, 48 bits), made unique by 74 random bits."""
    high, low = random >> 62, random & ((1 << 62) - 1)
    return UUID(int=(milliseconds & ((1 << 48) - 1)) << 80 | high << 64 | low | _VARIANT_AND_VERSION)
