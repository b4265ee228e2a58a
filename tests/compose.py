"""The Compose file as Compose reads it: merged, its variables filled in, its services chosen by their profiles."""

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, cast

import yaml

FILE = Path(__file__).resolve().parents[1] / "docker-compose.yml"
_EXPRESSION = re.compile(r"(?P<name>\w+)(?:(?P<operator>:?[-?+])(?P<word>.*))?", re.DOTALL)


class NotSetError(Exception):
    """A variable that has to be set is not; the text is what Compose then says."""


def composed(variables: Mapping[str, str], profiles: Collection[str] = ()) -> dict[str, Any]:
    """The file with these variables set, and only those services that run with these profiles on."""
    file: dict[str, Any] = _each(yaml.safe_load(FILE.read_text(encoding="utf-8")), variables)
    chosen = {
        name: service
        for name, service in file["services"].items()
        if not service.get("profiles") or set(service["profiles"]) & set(profiles)
    }
    return {**file, "services": chosen}


def filled(text: str, variables: Mapping[str, str]) -> str:
    """A text with its `${NAME}`, `${NAME:-word}`, `${NAME:+word}`, `${NAME:?word}` and `$$` replaced, nested too."""
    done = ""
    while text:
        before, dollar, text = text.partition("$")
        done += before
        if dollar and text.startswith("$"):
            done, text = f"{done}$", text[1:]
        elif dollar:
            assert text.startswith("{"), f"only braces are understood here: ${text}"
            end = _closing(text)
            done, text = done + _value(text[1:end], variables), text[end + 1 :]
    return done


def _value(expression: str, variables: Mapping[str, str]) -> str:
    found = _EXPRESSION.fullmatch(expression)
    assert found is not None, expression
    operator, word = found["operator"] or "", found["word"] or ""
    value = variables.get(found["name"])
    missing = not value if ":" in operator else value is None
    if operator.endswith("+"):
        return "" if missing else filled(word, variables)
    if not missing:
        return value or ""
    if operator.endswith("?"):
        raise NotSetError(f"{found['name']}: {word}")
    return filled(word, variables)


def _closing(text: str) -> int:
    depth = 0
    for position, character in enumerate(text):
        depth += {"{": 1, "}": -1}.get(character, 0)
        if not depth:
            return position
    raise AssertionError(f"not closed: {text}")


def _each(value: Any, variables: Mapping[str, str]) -> Any:  # noqa: ANN401 - whatever YAML may hold
    if isinstance(value, dict):
        return {name: _each(each, variables) for name, each in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_each(each, variables) for each in cast("list[Any]", value)]
    return filled(value, variables) if isinstance(value, str) else value
