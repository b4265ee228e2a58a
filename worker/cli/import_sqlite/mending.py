"""The values of one row of the predecessor, mended so that messages may have them. Pure."""

import json
import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast
from zoneinfo import ZoneInfo

from ostinato.messages.fields import TAGS_LIMIT
from worker.cli.import_sqlite.local_times import to_utc

TAG_LENGTH = 200
_ELLIPSIS = "…"
_TRUTHS = {"1": True, "true": True, "0": False, "false": False}


class Skipped(Exception):
    """The row cannot be taken; ``reason`` names the field and what is wrong with it, as in ``id_missing``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Mending:
    """Reads the values of one row; ``mended`` gets a reason for each mended value, as in ``variance_range``.

    ``row`` may lack columns: their values are the defaults, without a reason.
    """

    row: Mapping[str, object]
    zone: ZoneInfo | None
    mended: list[str] = field(default_factory=list[str])

    def key(self, name: str, limit: int) -> str:
        """A text that identifies something, so it cannot be mended; Skipped if it is not valid."""
        value = self.row.get(name)
        if value is None:
            raise Skipped(f"{name}_missing")
        if not isinstance(value, str):
            raise Skipped(f"{name}_type")
        if not 1 <= len(value) <= limit:
            raise Skipped(f"{name}_length")
        if _one_line(value) != value:
            raise Skipped(f"{name}_characters")
        return value

    def name(self, name: str, limit: int) -> str:
        """A required text, on one line; Skipped if it is missing."""
        found = self.text(name, limit)
        if not found:
            raise Skipped(f"{name}_missing")
        return found

    def text(self, name: str, limit: int, *, lines: bool = False) -> str | None:
        """A text of at most ``limit`` characters, or None; ``lines`` allows tabs and new lines."""
        value = self.row.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            self._note(name, "type")
            value = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
        printable = _lines(value) if lines else _one_line(value)
        if printable != value:
            self._note(name, "characters")
        return self._cut(name, printable, limit)

    def count(self, name: str, limit: int, default: int | None = 0) -> int | None:
        """A whole number, moved into 0 to ``limit``; without a default, None if it is not in there."""
        found = self._bounded(name, limit, default)
        if found is None:
            return None
        if found != int(found):
            self._note(name, "type")
        return int(found)

    def share(self, name: str, default: float | None) -> float | None:
        """A number, moved into 0 to 1; without a default, None if it is not in there."""
        found = self._bounded(name, 1, default)
        return None if found is None else float(found)

    def truth(self, name: str) -> bool | None:
        """A truth value; None if the value is not one."""
        value = self.row.get(name)
        if isinstance(value, int | float) and value in {0, 1}:
            return bool(value)
        found = _TRUTHS.get(value.strip().lower()) if isinstance(value, str) else None
        if found is not None:
            self._note(name, "type")
        return found

    def tags(self, name: str) -> tuple[str, ...] | None:
        """The texts of a JSON array, without its other items; None if the value is no array."""
        value = self.row.get(name)
        if value is None:
            return None
        try:
            found: object = json.loads(value) if isinstance(value, str) else None
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, list):
            self._note(name, "json")
            return None
        return self._tags(name, cast("list[object]", found))

    def moment(self, name: str) -> datetime | None:
        """A time in UTC; None if the value is no time."""
        value = self.row.get(name)
        found = to_utc(value, self.zone) if isinstance(value, str) else None
        if found is None and name in self.row:
            self._note(name, "missing" if value is None else "type")
        return found

    def note(self, reason: str) -> None:
        """Add a reason."""
        self.mended.append(reason)

    def _note(self, name: str, way: str) -> None:
        self.note(f"{name}_{way}")

    def _cut(self, name: str, text: str, limit: int) -> str:
        if len(text) <= limit:
            return text
        self._note(name, "length")
        return text[: limit - 1] + _ELLIPSIS

    def _bounded(self, name: str, limit: int, default: float | None) -> float | None:
        value = self.row.get(name)
        if value is None:
            if name in self.row and default is not None:
                self._note(name, "missing")
            return default
        if not isinstance(value, int | float):
            self._note(name, "type")
            value = _number(value)
        if value is None:
            return default
        if 0 <= value <= limit:
            return value
        self._note(name, "range")
        return default if default is None or not math.isfinite(value) else min(limit, max(0, value))

    def _tags(self, name: str, found: list[object]) -> tuple[str, ...]:
        texts = [each for each in found if isinstance(each, str) and each]
        tags = tuple(_one_line(each)[:TAG_LENGTH] for each in texts)[:TAGS_LIMIT]
        if list(tags) != found:
            self._note(name, "items")
        return tags


def _number(value: object) -> float | None:
    try:
        return float(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _one_line(text: str) -> str:
    return text if text.isprintable() else "".join(map(_allowed, text))


def _lines(text: str) -> str:
    if text.isprintable():
        return text
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(each if each in "\t\n" else _allowed(each) for each in plain)


def _allowed(character: str) -> str:
    match unicodedata.category(character):
        case "Cc":
            return " "
        case "Cs":
            return "\N{REPLACEMENT CHARACTER}"
        case _:
            return character
