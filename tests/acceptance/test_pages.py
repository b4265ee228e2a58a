"""Every command and every example of the documentation does what its page says, page by page, in a real shell.

What cannot run here is listed in `not_run.toml`, with the reason.
"""

import re
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from tests.readers.desk import Desk
from tests.readers.pages import PAGES, ROOT, Command, Program, blocks, steps, text_of, words

NOT_RUN: list[dict[str, str]] = tomllib.loads(Path(__file__).with_name("not_run.toml").read_text("utf-8"))["not_run"]
TEXTS = {page: text_of(page) for page in PAGES}
STEPS = {page: list(steps(page, text)) for page, text in TEXTS.items()}
# What a newcomer types first.
FIRST = ("README.md", "client/README.md", "docs/tutorial/first-steps.md")
KNOWN = {"console", "json", "python", "sql", "text", "yaml", "toml", "ini", "promql", "mermaid"}


def reasons(page: str, step: Command | Program) -> list[dict[str, str]]:
    """Why a step is not run; empty if it is."""
    if isinstance(step, Program):
        return [each for each in NOT_RUN if each.get("program") == page]
    return [each for each in NOT_RUN if fnmatch(step.bare, each.get("command", ""))]


RUN = {page: [each for each in found if not reasons(page, each)] for page, found in STEPS.items()}
LEFT_OUT = [
    each for page, found in STEPS.items() for each in found if isinstance(each, Command) and reasons(page, each)
]


@pytest.mark.parametrize(
    "page", [pytest.param(page, marks=[] if page in FIRST else pytest.mark.long) for page in PAGES if RUN[page]]
)
def test_a_page_does_what_it_says(page: str, home: Path) -> None:
    """From top to bottom in one session: each command ends well, and writes what is shown below it."""
    files = [block for block in blocks(page, TEXTS[page]) if block.file is not None]
    with Desk(home, RUN[page], files) as desk:
        for step in RUN[page]:
            desk.reader.do(step)
        desk.settle()


def test_nothing_escapes() -> None:
    """Every block is in a language that is known to be run or not to be, and starts at the margin."""
    found = {page: [block.language for block in blocks(page, text)] for page, text in TEXTS.items()}

    assert {page: [] for page in PAGES} == {page: sorted(set(languages) - KNOWN) for page, languages in found.items()}
    assert {page: text.count("```") for page, text in TEXTS.items()} == {
        page: 2 * len(each) for page, each in found.items()
    }


def test_what_is_not_run_is_there() -> None:
    """Every line of the list has a reason, and leaves something out."""
    found = [reason for page, each in STEPS.items() for step in each for reason in reasons(page, step)]

    assert [] == [each for each in NOT_RUN if each not in found or not each["why"]]


@pytest.mark.parametrize("command", LEFT_OUT, ids=lambda command: command.place)
def test_what_is_not_run_could_be(command: Command) -> None:
    """Its program, subcommand and options exist; or the reason names a test of this project that runs the like."""
    typed = words(command.bare)
    if typed[:2] == ["python3", "dev.py"]:
        known = subprocess.run(
            [sys.executable, *_program(typed[2]), "--help"], cwd=ROOT, check=True, capture_output=True, text=True
        ).stdout
        assert [] == [each for each in typed[3:] if each not in known]
    elif ["docker", "compose"] == typed[:2]:
        _check_compose(typed[2:])
    else:
        (reason,) = reasons("", command)
        tests = re.findall(r"tests/\S+\.py", reason["why"])
        assert tests, f"nothing here can check `{command.bare}`"
        assert [] == [each for each in tests if not (ROOT / each).is_file()]


def _program(name: str) -> list[str]:
    return ["-m", "benchmarks"] if name == "bench" else ["dev.py", name]


def _check_compose(typed: list[str]) -> None:
    """A profile and a service that it names are in the file."""
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    profiles = {profile for service in services.values() for profile in service.get("profiles", [])}
    pairs = list(pairwise(typed))
    assert {name for option, name in pairs if option == "--profile"} <= profiles
    assert {name for verb, name in pairs if verb in {"exec", "logs", "run"}} <= set(services)
