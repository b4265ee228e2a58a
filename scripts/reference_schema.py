"""The JSON Schema of the wire, from the models of the messages."""  # noqa: INP001 (a neighbour of a script that is run by its path)

from collections.abc import Callable
from itertools import groupby
from typing import Any, cast

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import PydanticCustomError, core_schema
from typing_extensions import override

from ostinato.messages.models import MESSAGES
from ostinato.messages.wire import BATCH_BYTES, MESSAGE_BYTES

Json = dict[str, Any]

_STAMPS = ("kind", "id", "occurred_at")
_CONTROL = (*range(0x20), *range(0x7F, 0xA0))
_UUID = "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"
_TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$"
_ABOUT = f"""What a producer may put on the queue: one of {len(MESSAGES)} kinds, as one JSON text. The worker takes
every text that is valid here, if it has at most {MESSAGE_BYTES} bytes in UTF-8 (apply_batch: {BATCH_BYTES}, and each
message in it {MESSAGE_BYTES}), writes integers without a fraction, has no lone surrogates, and names times that exist
in UTC."""


class WireSchema(GenerateJsonSchema):
    """A message as it has to be on the wire, rather than as Python may make it."""

    @override
    def field_title_should_be_set(self, schema: object) -> bool:
        return False

    @override
    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        # The type itself: what its check takes beside it is for callers in Python.
        return self.generate_inner(schema["schema"])

    @override
    def function_after_schema(self, schema: core_schema.AfterValidatorFunctionSchema) -> JsonSchemaValue:
        made = super().function_after_schema(schema)
        if made.get("type") == "string" and "format" not in made:
            refused = _refused(cast("Callable[[str], str]", schema["function"]["function"]))
            # Said as what must not be found: `$` means the end of the text in some engines, of the line in others.
            made = {**made, "not": {"pattern": f"[{refused}]"}}
        return made

    @override
    def uuid_schema(self, schema: core_schema.UuidSchema) -> JsonSchemaValue:
        return {"type": "string", "format": "uuid", "pattern": _UUID, "maxLength": 36}

    @override
    def datetime_schema(self, schema: core_schema.DatetimeSchema) -> JsonSchemaValue:
        return {"type": "string", "format": "date-time", "pattern": _TIME}


def schema() -> Json:
    """A `oneOf` over the kinds, each a definition of its own."""
    _, made = models_json_schema([(model, "validation") for model in MESSAGES.values()], schema_generator=WireSchema)
    defs: Json = made["$defs"]
    names = [model.__name__ for model in MESSAGES.values()]
    for name in names:
        defs[name] = _complete(defs[name])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Ostinato's messages",
        "description": " ".join(_ABOUT.split()),
        "oneOf": [{"$ref": f"#/$defs/{name}"} for name in names],
        "$defs": {name: defs[name] for name in (*names, *(defs.keys() - names))},
    }


def _complete(message: Json) -> Json:
    """The message with its kind, id and time first, and all three required."""
    fields: Json = {name: message["properties"][name] for name in _STAMPS} | message["properties"]
    fields["kind"] = {"const": fields["kind"]["const"]}
    if "messages" in fields:
        fields["messages"]["items"].pop("discriminator")
    return message | {"properties": fields, "required": [*_STAMPS, *message.get("required", [])]}


def _refused(check: Callable[[str], str]) -> str:
    """The control characters that a text's check refuses, as ranges of a pattern."""

    def refuses(code: int) -> bool:
        try:
            check(chr(code))
        except PydanticCustomError:
            return True
        return False

    refused = filter(refuses, _CONTROL)
    runs = [[code for _, code in run] for _, run in groupby(enumerate(refused), lambda pair: pair[1] - pair[0])]
    return "".join(chr(run[0]) if run[0] == run[-1] else f"{chr(run[0])}-{chr(run[-1])}" for run in runs)
