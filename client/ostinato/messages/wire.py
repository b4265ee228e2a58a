"""Between JSON text and messages: only this module reads what arrives, and decides what is malformed."""

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar, cast

from pydantic import BaseModel, ValidationError

from ostinato.errors import MalformedMessage
from ostinato.messages.models import (
    BATCH_COUNT,
    BATCH_MEMBERS,
    MESSAGES,
    RECORDED,
    ApplyBatch,
    BatchMember,
    Message,
    Recorded,
)
from ostinato.messages.printable import printable
from ostinato.messages.refusals import MISSING, malformed
from ostinato.reasons import Reason

# "kB" is a thousand bytes, as the SI has it.
MESSAGE_BYTES = 128_000
BATCH_BYTES = 512_000
# The object around a batch's messages, and a comma for each of them.
BATCH_OVERHEAD = 1_000
_LONGEST_INTEGER = 40
_STAMPED = ("id", "occurred_at")
# What may stand between two parts of an object or a list in valid JSON.
_SPACE = re.compile(r"[\s:,]*")

M = TypeVar("M", bound=BaseModel)
W = TypeVar("W", bound=Message)
K = TypeVar("K")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A text, or a member of a batch, that is no message, with the reason.

    ``raw`` is what arrived, byte for byte. ``copy`` numbers equal texts without an id in one batch, from 0: each of
    them is a message.
    """

    raw: bytes
    reason_code: str
    detail: str
    message_id: str | None
    copy: int = 0


def make(model: Callable[..., M], fields: Mapping[str, object]) -> M:
    """A message of these fields; MalformedMessage with the reason code of what is wrong."""
    try:
        return model(**fields)
    except ValidationError as error:
        raise malformed(error) from None


def encode(message: Message) -> str:
    """The message as it goes over the wire; MalformedMessage if it is too large for that."""
    text = message.content()
    _check_size(text, _limit(message.KIND))
    return text


def encode_batch(texts: Sequence[str]) -> str:
    """A batch of encoded messages as it goes over the wire, at most `BATCH_OVERHEAD` bytes longer than they are.

    The caller makes sure that a batch may hold their kinds, and their number. They are not read.
    """
    return f'{_Envelope(messages=None).content()[:-1]},"messages":[{",".join(texts)}]}}'


def read_line(text: str) -> Message:
    """One message from a line of JSON; `id` and `occurred_at` are made if they are missing. MalformedMessage."""
    fields = _object(text)
    model = _model(fields, MESSAGES)
    _check_size(text, _limit(model.KIND))
    return make(model, fields)


def read(message: type[W], text: str) -> W:
    """One message as it came over the wire; MalformedMessage with the reason code of what is wrong."""
    _check_size(text, MESSAGE_BYTES)
    return _writable(_complete(message, _object(text)))


def read_recorded(content: str) -> Recorded:
    """One message as the history keeps it; MalformedMessage if this version would not have applied it."""
    fields = _object(content)
    return _complete(_model(fields, RECORDED), fields)


def item(message: type[W], text: str) -> W | Unreadable:
    """One message as it came over the wire. No text raises an error."""
    try:
        return read(message, text)
    except MalformedMessage as error:
        return _unreadable(text, error)


def items(kind: str, text: str) -> list[BatchMember | Unreadable]:
    """The messages of a text that came for an effect kind or as a batch, in its order. No text raises an error."""
    if kind != ApplyBatch.KIND:
        return [item(BATCH_MEMBERS[kind], text)]
    try:
        return _members(text)
    except MalformedMessage as error:
        return [_unreadable(text, error)]


def _members(text: str) -> list[BatchMember | Unreadable]:
    _check_size(text, BATCH_BYTES)
    fields = _object(text)
    members = fields.get("messages")
    if not isinstance(members, list) or not 1 <= len(cast("list[object]", members)) <= BATCH_COUNT:
        raise MalformedMessage(Reason.MESSAGES_COUNT, f"messages must be a list of 1 to {BATCH_COUNT} messages")
    _complete(_Envelope, {**fields, "messages": None})
    return _told_apart([_member(value, each) for value, each in _written_members(text)])


class _Envelope(Message):
    kind: Literal["apply_batch"] = "apply_batch"
    messages: None


def _member(value: object, text: str) -> BatchMember | Unreadable:
    try:
        _check_size(text, MESSAGE_BYTES)
        fields = _as_object(value)
        return _writable(_complete(_model(fields, BATCH_MEMBERS), fields))
    except MalformedMessage as error:
        return _unreadable(text, error)


def _unreadable(text: str, error: MalformedMessage) -> Unreadable:
    return Unreadable(
        raw=text.encode(errors="surrogatepass"),
        reason_code=error.reason_code,
        detail=error.detail,
        message_id=_id_in(text),
    )


def _told_apart(items: list[BatchMember | Unreadable]) -> list[BatchMember | Unreadable]:
    """The items, with equal texts without an id numbered: nothing says that they are one message."""
    seen: Counter[bytes] = Counter()
    for at, each in enumerate(items):
        if isinstance(each, Unreadable) and each.message_id is None:
            items[at] = replace(each, copy=seen[each.raw])
            seen[each.raw] += 1
    return items


def _written_members(batch: str) -> list[tuple[object, str]]:
    """A batch's messages, each with its own text; the batch is known to be an object with a list."""
    members: list[tuple[object, str]] = []
    at = _past_space(batch, 0) + 1
    while batch[at := _past_space(batch, at)] != "}":
        key, at = _DECODER.raw_decode(batch, at)
        at = _past_space(batch, at)
        if key == "messages" and batch[at] == "[":  # a key may be there twice; the last one counts
            members, at = _written_elements(batch, at)
        else:
            _, at = _DECODER.raw_decode(batch, at)
    return members


def _written_elements(text: str, at: int) -> tuple[list[tuple[object, str]], int]:
    elements: list[tuple[object, str]] = []
    at = _past_space(text, at + 1)
    while text[at] != "]":
        value, end = _DECODER.raw_decode(text, at)
        elements.append((value, text[at:end]))
        at = _past_space(text, end)
    return elements, at + 1


def _past_space(text: str, at: int) -> int:
    between = _SPACE.match(text, at)
    return between.end() if between else at


def _model(fields: Mapping[str, object], kinds: Mapping[str, K]) -> K:
    kind = fields.get("kind")
    if not isinstance(kind, str) or kind not in kinds:
        raise MalformedMessage(Reason.UNKNOWN_KIND, f"kind must be one of {', '.join(kinds)}")
    return kinds[kind]


def _complete(model: type[M], fields: Mapping[str, object]) -> M:
    for name in _STAMPED:
        if name not in fields:
            raise MalformedMessage(f"{name}_{MISSING}", f"{name}: the producer has to set it, once")
    return make(model, fields)


def _writable(message: W) -> W:
    """The message; MalformedMessage if what the history would keep of it is too large to be sent again."""
    encode(message)
    return message


def _limit(kind: str) -> int:
    return BATCH_BYTES if kind == ApplyBatch.KIND else MESSAGE_BYTES


def _check_size(text: str, limit: int) -> None:
    size = len(text.encode(errors="surrogatepass"))
    if size > limit:
        code = Reason.BATCH_TOO_LARGE if limit == BATCH_BYTES else Reason.MESSAGE_TOO_LARGE
        raise MalformedMessage(code, f"{size} bytes, at most {limit} are allowed")


def _object(text: str) -> dict[str, object]:
    try:
        return _as_object(_DECODER.decode(text))
    except RecursionError:
        raise MalformedMessage(Reason.NOT_JSON, "nested too deeply") from None
    except ValueError as error:
        raise MalformedMessage(Reason.NOT_JSON, printable(str(error))) from None


def _as_object(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise MalformedMessage(Reason.NOT_AN_OBJECT, "a message is one JSON object")
    return cast("dict[str, object]", value)


def _integer(digits: str) -> float:
    # Python refuses to read very long integers. As infinity, the limits of their field refuse them.
    return int(digits) if len(digits) <= _LONGEST_INTEGER else math.inf


_DECODER = json.JSONDecoder(parse_int=_integer)


def _id_in(text: str) -> str | None:
    try:
        value = _object(text).get("id")
    except MalformedMessage:
        return None
    return printable(value) if isinstance(value, str) else None
