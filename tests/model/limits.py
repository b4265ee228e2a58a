"""Which values a message may have, in plain Python (spec section 4, limits)."""

from typing import Any

TEXTS = {
    "pattern_type": (1, 100),
    "pattern_name": (1, 500),
    "description": (0, 10_000),
    "suggested_action": (0, 10_000),
    "instrument_name": (0, 200),
    "fingerprint": (0, 200),
    "job_hash": (0, 200),
    "context_tag": (1, 200),
    "pattern_id": (1, 200),
    "execution_id": (0, 200),
}
"""Fewest and most characters of each text; a ``context_tag`` is one of the tags."""
MOST = {"retry_count_before": 1_000_000, "retry_count_after": 1_000_000, "sheet_num": 2_147_483_647}
"""The largest of each number that counts from nought."""
_WITH_LAYOUT = ("description", "suggested_action")


def refusal(field: str, value: Any) -> str | None:  # noqa: ANN401 - whatever a sender may have written
    """The reason code with which a message that has this value, and is good otherwise, is refused; None if it is not.

    ``value`` is of the field's type, but for its size and its characters.
    """
    if field in TEXTS:
        least, most = TEXTS[field]
        if any(_is_refused(ord(letter), field) for letter in value):
            return f"{field}_characters"
        return None if least <= len(value) <= most else f"{field}_length"
    if field == "context_tags":
        return None if len(value) <= 64 else "context_tags_count"
    if field == "messages":
        return None if 1 <= len(value) <= 500 else "messages_count"
    within = 0 <= value <= MOST.get(field, 1)
    return None if within else f"{field}_range"


def _is_refused(point: int, field: str) -> bool:
    """Controls of both blocks and DEL, and halves of surrogate pairs."""
    if chr(point) in "\t\n" and field in _WITH_LAYOUT:
        return False
    return point < 0x20 or 0x7F <= point < 0xA0 or 0xD800 <= point < 0xE000
