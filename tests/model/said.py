"""Messages as the model reads them: plain dictionaries, as they stand on the wire (spec section 4)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

Message = dict[str, Any]
"""A message as JSON has it."""
Said = dict[str, Any]
"""What a message says: defaults filled in, nulls left out, ``at`` its event time in microseconds since 1970 UTC."""

RECALCULATION = "recalculate_all_pattern_priorities"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DEFAULTS: dict[str, Said] = {
    "record_pattern_application": {
        "retry_count_before": 0,
        "retry_count_after": 0,
        "application_mode": "exploitation",
    }
}


@dataclass(frozen=True)
class Bad:
    """A text that is no message, and the reason code that says why; ``message_id`` where it has one all the same."""

    text: str
    reason: str
    message_id: str | None = None


Member = Message | Bad


def read(message: Message) -> Said:
    """What a message says, the same for every spelling of it."""
    said: Said = {
        **_DEFAULTS.get(message["kind"], {}),
        **{name: each for name, each in message.items() if each is not None},
    }
    if "grounding_confidence" in said:
        # A negative nought is nought.
        said["grounding_confidence"] = abs(float(said["grounding_confidence"]))
    moment = datetime.fromisoformat(said.pop("occurred_at"))
    return {**said, "id": said["id"].lower(), "at": (moment - _EPOCH) // timedelta(microseconds=1)}


def stamp(said: Said) -> tuple[int, str]:
    """A message's place in the order of events: by event time, then message id."""
    return said["at"], said["id"]
