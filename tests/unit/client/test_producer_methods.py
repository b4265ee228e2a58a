"""The methods of `Producer` say of each field what its message says: name, default and limits."""

import inspect
import re
from collections.abc import Iterator
from typing import Any

import pytest

from ostinato import Producer
from ostinato.messages.models import MESSAGES, Message

METHODS = (
    "record_pattern",
    "record_pattern_application",
    "soft_delete_pattern",
    "update_pattern_effectiveness",
    "recalculate_all_pattern_priorities",
)
LIMITS = ("minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum")
# Numbers that are no limits of ours.
STANDARDS = re.compile("ISO 8601|UUID of 36 characters")


def parameters(method: str) -> list[inspect.Parameter]:
    """What a method takes beside its producer."""
    return list(inspect.signature(getattr(Producer, method)).parameters.values())[1:]


def said(method: str) -> dict[str, str]:
    """The sentence about each field in the method's docstring."""
    documented = inspect.getdoc(getattr(Producer, method)) or ""
    section = documented.partition("Args:\n")[2].partition("\n\n")[0]
    return dict(re.findall(r"^    (\w+): (.+)$", section, re.MULTILINE))


def limits(schema: dict[str, Any], definitions: dict[str, Any]) -> Iterator[int | str]:
    """Every number and every word that a field's schema limits it to."""
    yield from (schema[name] for name in LIMITS if name in schema)
    yield from schema.get("enum", [])
    if "$ref" in schema:
        named = definitions[schema["$ref"].rpartition("/")[2]]
        yield from named["properties"]
        schema = {"anyOf": list(named["properties"].values())}
    for inner in (*schema.get("anyOf", ()), *filter(None, [schema.get("items")])):
        yield from limits(inner, definitions)


@pytest.mark.parametrize("method", METHODS)
def test_parameters_are_the_fields_of_the_message(method: str) -> None:
    """By name only, in the message's order, with the message's defaults; the id and the time come last."""
    model: type[Message] = MESSAGES[method]
    own = {name: field for name, field in model.model_fields.items() if name not in Message.model_fields}
    expected = {
        name: inspect.Parameter.empty if field.is_required() else field.default
        for name, field in own.items()
        if name != "kind"
    }

    assert {inspect.Parameter.KEYWORD_ONLY} == {each.kind for each in parameters(method)}
    assert [*expected.items(), ("id", None), ("occurred_at", None)] == [
        (each.name, each.default) for each in parameters(method)
    ]


@pytest.mark.parametrize("method", METHODS)
def test_the_docstring_says_the_limits_of_each_field(method: str) -> None:
    """All of them, and no other number or word in back-ticks that would be taken for one."""
    schema = MESSAGES[method].model_json_schema()
    found = {
        name: {
            *(int(digits.replace(",", "")) for digits in re.findall(r"\b\d[\d,]*\b", STANDARDS.sub("", text))),
            *(word for word in re.findall(r"`(\w+)`", text) if word not in METHODS),
        }
        for name, text in said(method).items()
    }
    expected = {
        each.name: set(limits(schema["properties"][each.name], schema.get("$defs", {}))) for each in parameters(method)
    }

    assert expected == found


@pytest.mark.parametrize("method", METHODS)
def test_the_docstring_says_the_answer_and_the_errors(method: str) -> None:
    """In the sections that an IDE shows."""
    documented = inspect.getdoc(getattr(Producer, method)) or ""

    assert ["Args:", "Returns:", "Raises:"] == re.findall(r"^[A-Z]\w+:$", documented, re.MULTILINE)
    assert "MalformedMessage, OutboxFull, OutboxUnavailable" in documented
