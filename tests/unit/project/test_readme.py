"""What the README and the other pages name is there: files, links, commands, options, names to import, messages."""

import ast
import importlib
import re
import shlex
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperCommand, TyperGroup

import dev
import worker.cli.commands
from ostinato.messages.models import MESSAGES
from ostinato.messages.wire import make, read_line

ROOT = Path(__file__).resolve().parents[3]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *(page for room in ("docs", "examples") for page in sorted((ROOT / room).rglob("*.md"))),
]
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
ROOMS = ("client/ostinato", "tasks", "store", "worker")
MOST_LINES = 149
MOST_LINES_OF_MAP = 30
ROOM = re.compile(r"^( *)([\w/]+)/ +(\d+) +\S")


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def entries(folder: Path) -> set[str]:
    """The names in a folder, without what git is told to ignore."""
    ignored = [".git", *(ROOT / ".gitignore").read_text(encoding="utf-8").replace("/\n", "\n").split()]
    return {each.name for each in folder.iterdir() if not any(fnmatch(each.name, pattern) for pattern in ignored)}


def the_map() -> list[str]:
    """The lines of the README's map."""
    return blocks(README, "text")[-1].splitlines()


def mapped() -> dict[str, int]:
    """The rooms on the map, by their path, with the number of modules that each is said to have."""
    found: dict[str, int] = {}
    outer: list[tuple[int, str]] = []
    for indent, name, modules in (match.groups() for match in map(ROOM.match, the_map()) if match):
        outer = [each for each in outer if each[0] < len(indent)]
        path = "/".join([*(each for _, each in outer), name])
        outer.append((len(indent), name))
        found[path] = int(modules)
    return found


def rooms() -> Iterator[tuple[str, int]]:
    """The folders of the product that hold modules, with the number of them; those of migrations count as one."""
    for room in ROOMS:
        for face in sorted((ROOT / room).rglob("__init__.py")):
            folder = face.parent
            if "migrations" not in folder.parts:
                yield str(folder.relative_to(ROOT)), sum(each != face for each in folder.glob("*.py"))


def commands(text: str) -> Iterator[list[str]]:
    """The words of every command line in the blocks for a console, and of those within a sentence."""
    for block in blocks(text, "console"):
        for line in block.splitlines():
            if line.startswith("$ "):
                yield from (shlex.split(each, comments=True) for each in line.removeprefix("$ ").split(" && "))
    for inline in re.findall(r"`((?:docker [^`…]*)?(?:ostinato|python3 dev\.py|celery) [^`…]*)`", text):
        yield shlex.split(inline)


def test_the_readme_is_short() -> None:
    """It has less than 150 lines."""
    assert MOST_LINES >= len(README.splitlines())


def test_the_map_shows_each_room_with_its_modules() -> None:
    """Every folder of the product stands in its place, with the number of its modules and a sentence; no other does."""
    assert dict(rooms()) == mapped()
    assert MOST_LINES_OF_MAP >= len(the_map())


def test_the_map_shows_the_top_level() -> None:
    """Every other entry of the checkout is on the map by its name, folders with a slash."""
    there = {f"{name}/" if (ROOT / name).is_dir() else name for name in entries(ROOT)}
    own = {f"{room.partition('/')[0]}/" for room in ROOMS}
    words = {word for line in the_map() if not line.startswith(" ") for word in line.split("  ")[0].split()}

    assert there - own == {word for word in words if word.rstrip("/") not in ROOMS}


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_file_named_exists(page: Path) -> None:
    """Links lead to files of this checkout, and paths of code within a sentence are there."""
    text = page.read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", text)
    paths = re.findall(r"`((?:client|worker|tasks|store|tests|docs|scripts|examples)/[\w./-]+)`", text)

    assert [] == [link for link in links if not (page.parent / link).exists()]
    assert [] == [path for path in paths if not (ROOT / path).exists()]


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_command_named_exists(page: Path) -> None:
    """Each command of ours on the page, and each of its options, is one that the program has."""
    for words in commands(page.read_text(encoding="utf-8")):
        if "ostinato" in words:
            _check_cli(words[words.index("ostinato") + 1 :])
        elif words[:2] == ["python3", "dev.py"]:
            assert words[2] in _dev_commands(), words
        elif words[:3] == ["celery", "-A", "worker"]:
            assert {"worker", "beat", "flower"} >= set(words[3:4]), words


def _check_cli(words: list[str]) -> None:
    command: TyperGroup | TyperCommand | Any = typer.main.get_command(worker.cli.commands.app)
    rest = iter(words)
    while isinstance(command, TyperGroup) and (word := next(rest, None)) is not None:
        assert word in command.commands, words
        command = command.commands[word]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in rest if word.startswith("--")} <= known, words


def _dev_commands() -> set[str]:
    usage: str = dev.parser().format_help()
    return set(re.findall(r"^    (\w+)", usage, re.MULTILINE))


def test_the_examples_in_python_use_what_there_is() -> None:
    """Every name that an example imports is there, and every message has good fields."""
    examples = blocks(README, "python")
    calls = 0
    for node in (node for example in examples for node in ast.walk(ast.parse(example))):
        if isinstance(node, ast.ImportFrom):
            module = importlib.import_module(str(node.module))
            assert [] == [alias.name for alias in node.names if not hasattr(module, alias.name)]
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in MESSAGES:
            make(MESSAGES[node.func.attr], _fields(node))
            calls += 1

    assert 2 == calls
    assert 15 >= len(examples[0].splitlines())


def _fields(call: ast.Call) -> dict[str, object]:
    """What a call passes by name; what it computes stands for itself."""
    given = {str(keyword.arg): keyword.value for keyword in call.keywords}
    return {
        name: "computed" if isinstance(value, ast.Call | ast.Name) else ast.literal_eval(value)
        for name, value in given.items()
    }


def test_the_messages_shown_are_messages() -> None:
    """Every line of JSON in the README is one that `ostinato send` takes."""
    lines = [line for block in blocks(README, "json") for line in block.splitlines()]

    assert ["record_pattern"] == [read_line(line).KIND for line in lines]
