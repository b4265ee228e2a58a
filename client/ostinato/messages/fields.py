"""The types of the messages' fields, each with its limits (spec section 4)."""

import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, PlainSerializer
from pydantic_core import PydanticCustomError

COUNT_LIMIT = 1_000_000
BALANCE_LIMIT = 1_000_000_000_000
SHEET_LIMIT = 2_147_483_647
TAGS_LIMIT = 64
_LAYOUT = "\t\n"
_ISO_8601 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d")


def _clean(text: str, allowed: str) -> str:
    for character in text:
        category = unicodedata.category(character)
        if category == "Cs" or (category == "Cc" and character not in allowed):
            raise PydanticCustomError(
                "characters",
                "no control characters or lone surrogates are allowed here, found U+{code}",
                {"code": f"{ord(character):04X}"},
            )
    return text


def _one_line(text: str) -> str:
    return _clean(text, "")


def _lines(text: str) -> str:
    return _clean(text, _LAYOUT)


def _written_as_text(value: object) -> object:
    # Digits would be taken for seconds since 1970, and a bare date for midnight.
    if isinstance(value, datetime) or (isinstance(value, str) and _ISO_8601.match(value)):
        return value
    raise PydanticCustomError("datetime", "write the time as ISO 8601 with an offset, as in 2026-01-31T12:00:00Z")


def _utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise PydanticCustomError("datetime", "this time does not exist in UTC") from None


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _canonical_uuid(value: object) -> object:
    if isinstance(value, UUID) or (isinstance(value, str) and len(value) == len(str(UUID(int=0)))):
        return value
    raise PydanticCustomError("uuid", "write the id as a UUID of 36 characters")


_ONE_LINE = AfterValidator(_one_line)

Lines = Annotated[str, Field(strict=True, max_length=10_000), AfterValidator(_lines)]
ShortLine = Annotated[str, Field(strict=True, max_length=200), _ONE_LINE]
Tag = Annotated[str, Field(strict=True, min_length=1, max_length=200), _ONE_LINE]
Tags = Annotated[Sequence[Tag], Field(max_length=TAGS_LIMIT), AfterValidator(tuple[str, ...])]
PatternType = Annotated[str, Field(strict=True, min_length=1, max_length=100), _ONE_LINE]
PatternName = Annotated[str, Field(strict=True, min_length=1, max_length=500), _ONE_LINE]
PatternId = Annotated[str, Field(strict=True, min_length=1, max_length=200), _ONE_LINE]
Count = Annotated[int, Field(strict=True, ge=0, le=COUNT_LIMIT)]
Balance = Annotated[int, Field(strict=True, ge=0, le=BALANCE_LIMIT)]
SheetNumber = Annotated[int, Field(strict=True, ge=0, le=SHEET_LIMIT)]
# PostgreSQL keeps the sign of a negative zero, SQLite does not.
Share = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False), AfterValidator(abs)]
Flag = Annotated[bool, Field(strict=True)]
Moment = Annotated[
    AwareDatetime,
    BeforeValidator(_written_as_text, json_schema_input_type=str),
    AfterValidator(_utc),
    PlainSerializer(_iso, return_type=str, when_used="json"),
]
MessageId = Annotated[UUID, BeforeValidator(_canonical_uuid, json_schema_input_type=str)]
