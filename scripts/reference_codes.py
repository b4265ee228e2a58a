"""The page of the reason codes, from the models of the messages and from what stands in the code."""  # noqa: INP001 (a neighbour of a script that is run by its path)

import ast
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from reference_schema import Json, schema

from ostinato.messages import reasons
from ostinato.messages.models import MESSAGES
from ostinato.messages.wire import BATCH_BYTES, MESSAGE_BYTES

ROOT = Path(__file__).resolve().parents[1]
MADE = "<!-- Made by scripts/make_reference.py from the code: change that, and run it again. -->"

# What each code says that is not about one field; the others follow from the fields of the messages.
_EXPLAINED: Mapping[str, str] = {
    "not_json": "The text is not JSON, or is nested too deeply.",
    "not_an_object": "The text, or a message of a batch, is JSON but not an object.",
    "unknown_kind": "`kind` of a message in a batch is missing, or none of those that a batch may hold.",
    "unknown_field": "There is a field that the kind does not have.",
    "message_too_large": f"The text has more than {MESSAGE_BYTES} bytes in UTF-8.",
    "batch_too_large": f"The text of a batch has more than {BATCH_BYTES} bytes in UTF-8.",
    "messages_count": "`messages` is not a list of 1 to 500.",
    "wrong_arguments": "The task has other arguments than one JSON text.",
    "id_reuse": "A message with this id and another content was applied before.",
    "unexpected_error": "Applying it raised an error that nobody foresaw: a defect. `reason_detail` names its type.",
    "unknown_task": "The task's name is none of the kinds.",
    "envelope_not_json": "What lies on the queue is not JSON.",
    "envelope_not_an_object": "What lies on the queue is JSON, but not an object.",
    "envelope_properties": "There are no properties, or not those that Celery's producers send.",
    "envelope_body_encoding": "The body is written in another way than base64.",
    "envelope_headers": "There are no headers, or one of Celery's is not a text.",
    "envelope_id": "The task has no id.",
    "envelope_eta": "The message is to be run later (`eta`, `countdown`).",
    "envelope_expires": "The message has a time after which it is to be dropped.",
    "envelope_compression": "The body is compressed.",
    "envelope_group": "The task is part of a group.",
    "envelope_stamped_headers": "The task is stamped.",
    "envelope_retries": "The number of retries is not a number.",
    "envelope_timelimit": "The task has a time limit of its own.",
    "envelope_content_type": "The body is not `application/json` in `utf-8`.",
    "envelope_body": "There is no body, it is not JSON, nested very deeply, or not what Celery's protocol 2 has there.",
    "envelope_too_large": "It is larger than any batch can be, or what goes with the body is.",
    "envelope_callbacks": "A task is to follow (`link`).",
    "envelope_errbacks": "A task is to follow a failure (`link_error`).",
    "envelope_chain": "The task is part of a chain.",
    "envelope_chord": "The task is part of a chord.",
    "delivery_limit": "On RabbitMQ: whoever took it ended before it was done, as often as the queue allows.",
    "dead_letter": "On RabbitMQ: the broker gave it up, because it had a time to live, or by a policy of yours.",
    "not_utf8": "A line is not UTF-8. Only `ostinato send` says this: such a line is never sent.",
}
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
    """The page; ends the program where a code stands in the program without an explanation here, or the reverse."""
    if wrong := _written() ^ set(_EXPLAINED):
        sys.exit(f"explained, or in the code, but not both: {', '.join(sorted(wrong))}")
    fields = "\n".join(map(_row, _all_fields(schema())))
    others = "\n".join(f"| `{code}` | {text} |" for code, text in _EXPLAINED.items())
    return f"""# Reason codes

{MADE}

A message that can never be applied is kept whole in the table `quarantine`, with one of these codes in `reason_code`
and a sentence in `reason_detail`. `source` says who refused it: `transport` (codes that begin with `envelope_`, and
`unknown_task`), `domain` (`id_reuse`, `unexpected_error`) or `validation` (all others). `MalformedMessage.reason_code`
in a producer and the lines of `ostinato send` bear the same codes.

## One field

The code is the field's name and the way in which it is wrong: `missing`, `type`, `length` (characters of a text),
`count` (members of a list), `range`, `value`, or `characters` (control characters and lone surrogates). Of several
fields at fault the first gives the code, and the detail names them all.

| field | allowed | codes |
|---|---|---|
{fields}

A batch that is refused before it is sent, by `ostinato send` or `apply_batch.delay`, is refused as a whole. There
`messages_missing` and `messages_type` say that the list is missing or none, and `message_type`, `message_missing` and
`message_value` that a member of it is no object, has no `kind`, or one that no batch may hold.

## The message as a whole

| code | meaning |
|---|---|
{others}

## Parked

An application or a soft delete whose pattern is not known yet is not refused but parked, with the reason
`pattern_not_found`, and applied when its pattern appears.
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


def _written() -> set[str]:
    """Every reason code that stands in the code as a text."""
    named = {name: value for name, value in vars(reasons).items() if name.isupper() and isinstance(value, str)}
    found = set(named.values()) - {reasons.MISSING}
    for folder in ("worker", "tasks", "store"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            found.update(code for node in ast.walk(tree) for code in _codes_in(node, tree))
    return found


def _codes_in(node: ast.AST, tree: ast.Module) -> Iterator[str]:
    if not isinstance(node, ast.Call):
        return
    values = [keyword.value for keyword in node.keywords if keyword.arg == "reason_code"]
    if getattr(node.func, "id", "") in {"MalformedMessage", "_refuse"}:
        values += node.args[:1]
    for value in values:
        match value:
            case ast.Constant(value=str(code)):
                yield code
            case ast.JoinedStr(values=[ast.Constant(value=str(prefix)), _]):
                yield from (f"{prefix}{word}" for word in _words(tree))
            case _:
                pass


def _words(tree: ast.Module) -> Iterator[str]:
    """The texts of the module's tuples: what a code made of two parts may end with."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple):
            yield from (str(each.value) for each in node.value.elts if isinstance(each, ast.Constant))
