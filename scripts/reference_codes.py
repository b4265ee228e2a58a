"""The page of the reason codes, from the models of the messages and from `ostinato.reasons`."""  # noqa: INP001 (a neighbour of a script that is run by its path)

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from reference_schema import Json, schema

from ostinato.messages.models import MESSAGES
from ostinato.messages.wire import BATCH_BYTES, MESSAGE_BYTES
from ostinato.reasons import Reason

ROOT = Path(__file__).resolve().parents[1]
MADE = "<!-- Made by scripts/make_reference.py from the code: change that, and run it again. -->"

_SIGNS = {
    "length": {"minLength", "maxLength"},
    "characters": {"not"},
    "count": {"minItems", "maxItems"},
    "range": {"minimum", "maximum"},
}


class Field(NamedTuple):
    """A field of a message: its name, what it may be, and the codes of the ways in which it can be wrong."""

    name: str
    allowed: str
    codes: list[str]


def page() -> str:
    """The page."""
    fields = "\n".join(map(_row, _all_fields(schema())))
    return f"""# Reason codes

{MADE}

A message that can never be applied is kept whole in the table `quarantine`, with one of these codes in `reason_code`
and a sentence in `reason_detail`. `source` says what refused it: `transport` (codes that begin with `envelope_`, and
`unknown_task`), `domain` (`id_reuse`, `unexpected_error`) or `validation` (all others). `MalformedMessage.reason_code`
in a producer and the lines of `ostinato send` have the same codes. In Python, `ostinato.reasons.Reason` has those that
are not about one field.

## One field

The code is the field's name and the way in which it is wrong: `missing`, `type`, `length` (characters of a text),
`count` (members of a list), `range`, `value`, or `characters` (control characters and lone surrogates). If several
fields are wrong, the first one gives the code, and the detail names them all.

| field | allowed | codes |
|---|---|---|
{fields}

`ostinato send` and `apply_batch.delay` refuse a wrong batch as a whole, before it is sent. Then `messages_missing` says
that there is no list, `messages_type` that it is not a list, `message_type` that a member is not an object,
`message_missing` that a member has no `kind`, and `message_value` that no batch may hold its kind.

{_whole()}
## Parked

An application or a soft delete whose pattern is not known yet is not refused. It is parked, with the reason
`pattern_not_found`, and applied when its pattern appears.
"""


def _whole() -> str:
    codes = "\n".join(f"| `{each}` | {each.meaning} |" for each in Reason)
    return f"""## The message as a whole

The text of a message may have at most {MESSAGE_BYTES} bytes in UTF-8, the text of a batch at most {BATCH_BYTES}.

| code | meaning |
|---|---|
{codes}
"""


def _row(field: Field) -> str:
    return f"| `{field.name}` | {field.allowed} | {', '.join(f'`{code}`' for code in field.codes)} |"


def limit_of(field: Json) -> str:
    """What a field may be, in a few words."""
    match field:
        case {"format": "uuid"}:
            return "a UUID of 36 characters"
        case {"format": "date-time"}:
            return "ISO 8601 with an offset"
        case {"type": "string", "maxLength": most}:
            lines = "" if "\n" in _characters(field) else "; tab and new line too"
            return f"{field.get('minLength', 0)} to {most} characters{lines}"
        case {"type": "array", "maxItems": most}:
            return f"{field.get('minItems', 0)} to {most}"
        case {"type": "integer" | "number"}:
            return f"{field['type']}{_bounds(field)}"
        case _:
            values = ["true", "false"] if field.get("type") == "boolean" else field.get("enum", [])
            return " or ".join(f"`{value}`" for value in values) or "the kind itself"


def _bounds(field: Json) -> str:
    match field:
        case {"minimum": least, "maximum": most}:
            return f", {least} to {most}"
        case {"minimum": least}:
            return f", {least} or more"
        case {"exclusiveMinimum": least}:
            return f", more than {least}"
        case _:
            return ""


def _characters(field: Json) -> str:
    """The control characters that a text may not have."""
    pattern: str = field["not"]["pattern"][1:-1]
    first, last = pattern[0], pattern[2]
    return "".join(map(chr, range(ord(first), ord(last) + 1)))


def _all_fields(wire: Json) -> list[Field]:
    found: dict[str, Field] = {}
    for model in MESSAGES.values():
        for field in _fields(wire, wire["$defs"][model.__name__]):
            found.setdefault(field.name, field)
    return list(found.values())


def _fields(wire: Json, message: Json) -> Iterator[Field]:
    for name, described in message["properties"].items():
        field: Json = next((each for each in described.get("anyOf", ()) if each != {"type": "null"}), described)
        null = ", or `null`" if field is not described else ""
        if "$ref" in field:
            yield Field(name, f"an object{null}", [f"{name}_type"])
            yield from _fields(wire, wire["$defs"][field["$ref"].rpartition("/")[2]])
        elif "oneOf" in field.get("items", {}):
            yield Field(name, f"{limit_of(field)} messages", [f"{name}_count"])
        else:
            # Which kind a message is, the task's name says too.
            missing = [f"{name}_missing"] if name in message.get("required", ()) and name != "kind" else []
            yield Field(name, limit_of(field) + null, missing + [f"{name}_{way}" for way in _ways(field)])
            if "items" in field:
                one = name.removesuffix("s")
                yield Field(one, limit_of(field["items"]), [f"{one}_{way}" for way in _ways(field["items"])])


def _ways(field: Json) -> list[str]:
    if "const" in field or "enum" in field:
        return ["value"]
    if "format" in field:
        return ["type"]
    return ["type", *(way for way, signs in _SIGNS.items() if signs & field.keys())]
