"""Reason codes: one per field and per way in which it can be wrong, as in `pattern_name_length`."""

from collections.abc import Mapping

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ostinato.errors import MalformedMessage
from ostinato.messages.printable import printable

MESSAGE_TOO_LARGE = "message_too_large"
BATCH_TOO_LARGE = "batch_too_large"
NOT_JSON = "not_json"
NOT_AN_OBJECT = "not_an_object"
WRONG_ARGUMENTS = "wrong_arguments"
UNKNOWN_KIND = "unknown_kind"
UNKNOWN_FIELD = "unknown_field"
MISSING = "missing"

_WAYS: Mapping[str, str] = {
    "characters": "characters",
    "string_unicode": "characters",
    "string_too_short": "length",
    "string_too_long": "length",
    "too_short": "count",
    "too_long": "count",
    "greater_than_equal": "range",
    "less_than_equal": "range",
    "finite_number": "range",
    "literal_error": "value",
    "missing": MISSING,
    "union_tag_invalid": "value",
    "union_tag_not_found": MISSING,
}


def malformed(error: ValidationError) -> MalformedMessage:
    """What a model refused, as an error whose code names the first field at fault and whose detail names them all."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    detail = "; ".join(f"{_where(problem)}: {problem['msg']}" for problem in problems)
    return MalformedMessage(_code(problems[0]), printable(detail))


def _code(problem: ErrorDetails) -> str:
    if problem["type"] == "extra_forbidden":
        return UNKNOWN_FIELD
    names = [part for part in problem["loc"] if isinstance(part, str)]
    field = names[-1] if names else "message"
    if problem["loc"] and isinstance(problem["loc"][-1], int):
        field = field.removesuffix("s")
    return f"{field}_{_WAYS.get(problem['type'], 'type')}"


def _where(problem: ErrorDetails) -> str:
    return ".".join(str(part) for part in problem["loc"]) or "message"
