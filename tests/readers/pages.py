"""The documentation as steps: what a reader types, runs and is shown, taken out of the pages."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_FOUND = [
    *ROOT.glob("*.md"),
    *(page for name in ("client", "docs", "examples") for page in ROOT.joinpath(name).rglob("*.md")),
]
# Every page, by its path in the checkout.
PAGES = sorted(page.relative_to(ROOT).as_posix() for page in _FOUND)
INTERRUPT = "^C"
_FENCE = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_NAMED = re.compile(r"`([\w-]+\.\w+)`:\s*\Z")
_ASSIGNED = re.compile(r"^(?:[A-Z_]+=\S+ +)+")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block; ``file``: the name under which the sentence before it (… `NAME`:) has it saved, if any."""

    page: str
    line: int
    language: str
    text: str
    file: str | None


@dataclass(frozen=True, slots=True)
class Command:
    """What is typed after `$ `, its comment included, or ^C; ``shown``: the lines below it."""

    place: str
    text: str
    shown: str

    @property
    def bare(self) -> str:
        """Without its comment and the variables before it; one space between words."""
        return " ".join(_ASSIGNED.sub("", self.text).split(" #")[0].split())

    @property
    def variables(self) -> str:
        """The variables before it, as typed."""
        found = _ASSIGNED.match(self.text)
        return found[0] if found else ""

    @property
    def comment(self) -> str:
        """What follows the #."""
        return self.text.partition(" #")[2]

    @property
    def codes(self) -> set[int]:
        """The exit codes that the page allows: 0, and any that the comment names."""
        return {0, *map(int, re.findall(r"exit code (\d+)", self.comment))}


@dataclass(frozen=True, slots=True)
class Program:
    """A block in Python that is run as it stands."""

    place: str
    text: str


def text_of(page: str) -> str:
    """What a page says, by its path in the checkout."""
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str, text: str) -> Iterator[Block]:
    """The fenced blocks of a page's text."""
    for found in _FENCE.finditer(text):
        before = text[: found.start()]
        named = _NAMED.search(before)
        yield Block(page, before.count("\n") + 1, found["language"], found["text"], named[1] if named else None)


def steps(page: str, text: str) -> Iterator[Command | Program]:
    """What a reader does who reads that, from top to bottom."""
    for block in blocks(page, text):
        if block.language == "console":
            yield from _commands(block)
        elif block.language == "python" and block.file is None:
            yield Program(f"{block.page}:{block.line}", block.text)


def words(command: str) -> list[str]:
    """A bare command as the shell takes it apart."""
    return shlex.split(command)


def fits(shown: str, written: str) -> bool:
    """Whether what was written is what a page shows: … stands for anything in a line, and alone for any lines."""
    lines = [r"(?:.*\n)*?" if each.strip() == "…" else f"{_line(each)}\n" for each in shown.splitlines()]
    found = "".join(f"{each.rstrip()}\n" for each in written.strip("\n").splitlines())
    return re.fullmatch("".join(lines), found) is not None


def _line(shown: str) -> str:
    return ".*?".join(map(re.escape, shown.rstrip().split("…")))


def _commands(block: Block) -> Iterator[Command]:
    typed: list[tuple[int, list[str], list[str]]] = []
    for number, line in enumerate(block.text.splitlines(), start=block.line + 1):
        if line.startswith("$ ") or line == INTERRUPT:
            typed.append((number, [line.removeprefix("$ ")], []))
        elif typed and line.startswith("> ") and not typed[-1][2]:
            typed[-1][1].append(line.removeprefix("> "))
        else:
            assert typed, f"{block.page}:{number}: a line before the first command: {line}"
            typed[-1][2].append(line)
    for number, text, shown in typed:
        yield Command(f"{block.page}:{number}", "\n".join(text), "\n".join(shown))
