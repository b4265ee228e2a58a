"""Which pattern a name means, and which slot a pattern belongs to (spec section 3). Pure."""

import hashlib
import zlib

ID_DIGITS = 16
SLOTS = 64


def normalised_name(name: str) -> str:
    """The name in lower case, each run of white space one space, ends stripped."""
    return " ".join(name.lower().split())


def pattern_id(pattern_type: str, pattern_name: str) -> str:
    """The id of a pattern: 16 lower-case hex digits, the same for every spelling of one normalised name.

    The first digits of SHA-256 over ``type + ":" + normalised name`` in UTF-8. The type is used as given. A producer
    can compute the id before it sends anything.
    """
    text = f"{pattern_type}:{normalised_name(pattern_name)}"
    return hashlib.sha256(text.encode()).hexdigest()[:ID_DIGITS]


def slot_of(pattern_id: str) -> int:
    """Which of the `SLOTS` parts of all patterns an id belongs to: work on different parts can be done at once."""
    return zlib.crc32(pattern_id.encode(errors="surrogatepass")) % SLOTS
