"""The reason code of a wrong field: its name, and the way in which it is wrong, as in `pattern_name_length`."""

from collections.abc import Mapping

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ostinato.errors import MalformedMessage
from ostinato.messages.printable import printable
from ostinato.reasons import Reason

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
    """What a model refused, as an error whose code names the first wrong field and whose detail names them all."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    detail = "; ".join(f"{_where(problem)}: {problem['msg']}" for problem in problems)
    return MalformedMessage(_code(problems[0]), printable(detail))


def _code(problem: ErrorDetails) -> str:
    if problem["type"] == "extra_forbidden":
        return Reason.UNKNOWN_FIELD
    names = [part for part in problem["loc"] if isinstance(part, str)]
    field = names[-1] if names else "message"
    if problem["loc"] and isinstance(problem["loc"][-1], int):
        field = field.removesuffix("s")
    return f"{field}_{_WAYS.get(problem['type'], 'type')}"


def _where(problem: ErrorDetails) -> str:
    return ".".join(str(part) for part in problem["loc"]) or "message"
