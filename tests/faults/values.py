"""Messages with every value that a fleet, or an attacker, may come to send; and what must become of each."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from hypothesis import Phase, given, seed, settings
from hypothesis import strategies as st

from tests.model.limits import MOST, TEXTS, refusal
from tests.model.naming import id_of
from tests.model.said import Message

# Hypothesis names each by a literal of its own.
_CATEGORIES: tuple[Any, ...] = (
    *("Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po"),
    *("Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cf", "Co", "Cn"),
)
_CHARACTERS = st.one_of([st.characters(categories=[each]) for each in _CATEGORIES])
_WRONG = st.characters(categories=["Cc", "Cs"])
_ODD = (
    # Joined and composed characters, letters that fold into others, and wide ones.
    *("\U0001f469\u200d\U0001f469\u200d\U0001f467", "\u00e9", "e\u0301", "E\u0301", "\u212b", "\u00c5", "A\u030a"),
    *("\ufb01", "\u00df", "SS", "\u017f", "\u0130", "\u0131", "\uff21\uff22", "\u00b2"),
    # What is written from the right, what cannot be seen, and white space.
    *("\u202eabc\u202c", "\u2067\u05e9\u05dc\u05d5\u05dd\u2069", "\u0645\u0631\u062d\u0628\u0627", "\ufeff", "\u200b"),
    *("\u00a0", "\u3000x\u3000y", "\u2028", "\u2029", "\uffff", "\U0010ffff"),
    # What others may take for theirs: SQL, formats, JSON, HTML.
    *("'; DROP TABLE patterns; --", '" OR 1=1', "%s", "%(name)s %d %%", "{}", "{0.__class__}", "$1", ":name", "\\"),
    *("\\u0000", '"}\n{"event": "forged"}', "null", "true", "NaN", "1e999", "<b>"),
    # Controls, and halves of pairs.
    *("\0", "a\0b", "\ud800", "\udfff", "\ude00\ud83d", "a\r\nb", "a\nb", "a\tb", "\x7f", "\x85", "\x9b31m"),
    *("\x1b[31mred\x1b[0m", "\x1b]0;title\x07"),
    # Spellings of one thing.
    *("a_b-c  d", "a__b--c", "A b c", "_", "-", "...", "C++", "!x!", "T:x:y"),
)
_NAMES = [text for text in _ODD if refusal("pattern_name", text) is None]
_NUMBERS = (-(10**30), -(2**63) - 1, -1, 2**63 - 1, 2**63, 2**64, 10**30)
_SHARES = (-0.0, 0, 5e-324, 0.5, 1 - 2**-53, 1, 1 + 2**-52, -5e-324, 2**63)
_WIDE = "\U0001f600"


@dataclass(frozen=True)
class Sent:
    """The one argument of a kind's task, the messages in it, and the reason code with which all of it is refused."""

    kind: str
    text: str
    messages: Sequence[Message]
    reason: str | None

    @property
    def raw(self) -> bytes:
        """What the quarantine keeps of it."""
        return self.text.encode(errors="surrogatepass")


class Values:
    """Makes messages, each with an id of its own; event times lie half a day off, so that no midnight is near."""

    def __init__(self, name: str, now: datetime) -> None:
        self._name = name
        self._now = now
        self._numbers = count()

    def all(self, drawn: int) -> list[Sent]:
        """The listed values, and as many ``drawn`` texts."""
        listed = [*(self._with(field, value) for field, value in _listed()), *self._unreadable(), *self._sized()]
        return [*listed, *(self._with(field, value) for field, value in _drawn(drawn, self._name))]

    def _with(self, field: str, value: Any) -> Sent:  # noqa: ANN401 - any value of a message
        message = self._message(field, value)
        # Both ways to write a text: as it is, and in ASCII.
        text = json.dumps(message, ensure_ascii=next(self._numbers) % 2 == 0)
        return Sent(message["kind"], text, [message], refusal(field, value))

    def _message(self, field: str = "", value: Any = None) -> Message:  # noqa: ANN401 - the same
        number = next(self._numbers)
        common = {
            "id": str(uuid5(NAMESPACE_OID, f"{self._name} {number}")),
            "occurred_at": (self._now - timedelta(days=number % 40, hours=12)).isoformat(),
        }
        special = _fields(field, value)
        if field not in {"pattern_id", "execution_id", "grounding_confidence", *_RETRIES}:
            named = {"pattern_type": "values", "pattern_name": f"value {number % 300}"}
            return {"kind": "record_pattern", **common, **named, **special}
        about = {"pattern_id": id_of("values", _NAMES[number % len(_NAMES)]) if number % 4 else "nobody's"}
        outcome = {"execution_id": f"run {number}", "pattern_led_to_success": number % 5 > 0}
        return {"kind": "record_pattern_application", **common, **about, **outcome, **special}

    def _unreadable(self) -> Iterator[Sent]:
        """Texts that are no JSON, or have what is none of JSON's values, or is too long or too deep."""
        kind = "record_pattern"
        for text in ("[" * 100_000, '{"a":' * 20_000, "\ud800", "\0", "\x1b[31m", "%s", "'; --"):
            yield Sent(kind, text, [], "not_json")
        for depth, reason in ((10_000, "not_json"), (60_000, "not_json"), (100_000, "message_too_large")):
            yield self._written("description", "[" * depth + "]" * depth, reason)
        for number in ("NaN", "Infinity", "-Infinity", "1e999", "7" * 5_000):
            yield self._written("grounding_confidence", number, "grounding_confidence_range")
        for number in ("NaN", "1e999", "7" * 5_000, "1.5", "1.0", '"1"', "true"):
            yield self._written("retry_count_before", number, "retry_count_before_type")
        for value in ("NaN", str(2**63), "7" * 5_000, "true", "[]", "{}"):
            yield self._written("pattern_name", value, "pattern_name_type")
        for value in ('"false"', "0", "NaN", "1e999"):
            yield self._written("pattern_led_to_success", value, "pattern_led_to_success_type")

    def _written(self, field: str, value: str, reason: str) -> Sent:
        message = self._message("execution_id" if field == "pattern_led_to_success" else field, "")
        text = json.dumps({**message, field: "here"}).replace('"here"', value)
        return Sent(message["kind"], text, [], reason)

    def _sized(self) -> Iterator[Sent]:
        """Messages and batches around the largest size and number."""
        for size in (127_999, 128_000, 128_001):
            message = self._message()
            reason = None if size <= 128_000 else "message_too_large"
            yield Sent(message["kind"], json.dumps(message).ljust(size), [message], reason)
        for size, members in ((511_999, 2), (512_000, 2), (512_001, 2), (0, 0), (0, 499), (0, 500), (0, 501)):
            messages = [self._message() for _ in range(members)]
            head = {**self._message(), "kind": "apply_batch", "messages": messages}
            del head["pattern_type"], head["pattern_name"]
            reason = refusal("messages", messages) if size <= 512_000 else "batch_too_large"
            yield Sent("apply_batch", json.dumps(head).ljust(size), messages, reason)


_RETRIES = ("retry_count_before", "retry_count_after")


def _fields(field: str, value: Any) -> dict[str, Any]:  # noqa: ANN401 - any value of a message
    if field in {"job_hash", "sheet_num"}:
        return {"provenance": {field: value}}
    if field == "context_tag":
        return {"context_tags": ["first", value]}
    return {field: value} if field else {}


def _listed() -> Iterator[tuple[str, Any]]:
    """Odd texts in every field, and each limit and its neighbours."""
    for text in _ODD:
        yield from ((field, text) for field in TEXTS)
    for field, (least, most) in TEXTS.items():
        sizes = {0, least, least + 1, most - 1, most, most + 1}
        yield from ((field, letter * size) for letter in ("x", _WIDE) for size in sorted(sizes))
    for tags in (0, 1, 63, 64, 65):
        yield "context_tags", [f"tag {number}" for number in range(tags)]
    for field, most in MOST.items():
        yield from ((field, number) for number in (*_NUMBERS, 0, 1, most - 1, most, most + 1))
    yield from (("grounding_confidence", share) for share in _SHARES)


def _drawn(total: int, name: str) -> list[tuple[str, Any]]:
    """Texts of all categories of characters; every fourth may have some that are refused."""
    good = st.text(_CHARACTERS, max_size=9)
    found: list[tuple[str, Any]] = []

    @seed(name)
    @settings(max_examples=total, phases=[Phase.generate], database=None)
    @given(st.sampled_from(sorted(TEXTS)), good | good | good | st.text(_CHARACTERS | _WRONG, max_size=9))
    def draw(field: str, text: str) -> None:
        # Two halves of a pair that meet are one character once they were JSON.
        found.append((field, json.loads(json.dumps(text))))

    draw()
    return found


def values(name: str, drawn: int) -> list[Sent]:
    """Messages, the same for the same name but for their times, which are the last forty days."""
    return Values(name, datetime.now(UTC)).all(drawn)
