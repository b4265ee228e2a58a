"""Which queue a message goes to: there is one for each lane, and a pattern's messages stay in one lane.

Only speed depends on it: the store keeps the order of a pattern's messages, whatever queue they come from.
"""

import json
from collections.abc import Mapping
from typing import cast

from ostinato.identity import SLOTS, pattern_id, slot_of

QUEUE = "ostinato"
MOST_LANES = SLOTS


def queue_of(lane: int) -> str:
    """The queue of a lane; producers that know no lanes send to the queue of lane 0."""
    return QUEUE if lane == 0 else f"{QUEUE}.lane{lane}"


def lane_of(text: str, lanes: int) -> int:
    """The lane of the pattern that a message's JSON text is about; 0 if it is about no pattern, or is no message.

    A batch goes where its first message goes.
    """
    if lanes == 1:
        return 0
    try:
        named = _pattern_named(text)
    except (ValueError, RecursionError):  # no JSON, or a lone surrogate
        return 0
    return 0 if named is None else slot_of(named) % lanes


def _pattern_named(text: str) -> str | None:
    value: object = json.loads(text)
    if not isinstance(value, dict):
        return None
    fields = cast("Mapping[str, object]", value)
    members = fields.get("messages")
    if not isinstance(members, list):
        return _pattern_of(fields)
    first = next(iter(cast("list[object]", members)), None)
    return _pattern_of(cast("Mapping[str, object]", first)) if isinstance(first, dict) else None


def _pattern_of(fields: Mapping[str, object]) -> str | None:
    match fields:
        case {"pattern_id": str(named)}:
            return named
        case {"pattern_type": str(kind), "pattern_name": str(name)}:
            return pattern_id(kind, name)
        case _:
            return None
