"""The decisions of dev.py that need no process."""

from __future__ import annotations

import ast
import importlib.util
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType

DEV_PY = Path(__file__).resolve().parents[3] / "dev.py"


@pytest.fixture(scope="module")
def dev() -> ModuleType:
    """Import dev.py by its path, as it is no part of the package."""
    spec = importlib.util.spec_from_file_location("dev", DEV_PY)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_source_parses_on_an_old_python() -> None:
    """Python 3.8 can read the file, so it prints the sentence about its age instead of a SyntaxError."""
    ast.parse(DEV_PY.read_text(encoding="utf-8"), feature_version=(3, 8))


@pytest.mark.parametrize(
    ("version", "platform", "expected"),
    [
        ((3, 11), "linux", None),
        ((3, 14), "darwin", None),
        ((3, 10), "linux", "Python 3.11 or later is needed, this is 3.10: start dev.py with a newer one"),
        ((3, 11), "win32", "Windows is not supported: use the Windows Subsystem for Linux"),
    ],
)
def test_unfit_machine_is_told_why(
    dev: ModuleType, version: tuple[int, int], platform: str, expected: str | None
) -> None:
    """An old Python and Windows are refused with one sentence; everything else runs."""
    assert expected == dev.refusal(version, platform)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "nothing"),
        ({"dev": True}, "nothing"),
        ({"pyproject": "other"}, "install"),
        ({"python": "3.12"}, "rebuild"),
        ({"folder": "/elsewhere/.venv"}, "rebuild"),
        ({"unknown": 1}, "rebuild"),
    ],
)
def test_stamp_decides_what_is_done(dev: ModuleType, change: dict[str, object], expected: str) -> None:
    """A changed pyproject.toml installs again; another Python, a moved folder or a foreign stamp starts afresh."""
    wanted = dev.Stamp("/here/.venv", "3.11", "digest", dev=False)
    assert expected == dev.plan(json.dumps(wanted._asdict() | change), wanted)


def test_dev_tools_are_added_to_an_environment_without(dev: ModuleType) -> None:
    """An environment that a demo made is completed when the tests are run."""
    demo = dev.Stamp("/here/.venv", "3.11", "digest", dev=False)
    assert "install" == dev.plan(json.dumps(demo._asdict()), demo._replace(dev=True))


@pytest.mark.parametrize(
    ("found", "expected"), [("", "install"), ("unfinished", "rebuild"), ('{"fol', "rebuild"), ("[]", "rebuild")]
)
def test_environment_without_a_whole_stamp(dev: ModuleType, found: str, expected: str) -> None:
    """An environment made by hand is kept; one whose set-up was cut short is not."""
    assert expected == dev.plan(found, dev.Stamp("/here/.venv", "3.11", "digest", dev=False))


def test_pip_of_the_environment_comes_first(dev: ModuleType) -> None:
    """The environment's own pip is preferred, then the host Python's, which is told where to install."""
    own, host = list(dev.pips("/usr/bin/python3"))[:2]
    assert [dev.VENV_PYTHON, "-m", "pip"] == own
    assert ["/usr/bin/python3", "-m", "pip", "--python", dev.VENV_PYTHON] == host


def test_first_working_pip_is_chosen(dev: ModuleType) -> None:
    """A pip that does not answer `--version`, such as one too old for `--python`, is passed over."""
    candidates = [["missing"], ["old", "--python", "x"], ["good"], ["better"]]
    asked: list[list[str]] = []

    def works(command: list[str]) -> bool:
        asked.append(command)
        return command[0] in {"good", "better"}

    assert ["good"] == dev.choose_pip(candidates, works)
    assert [["missing", "--version"], ["old", "--python", "x", "--version"], ["good", "--version"]] == asked


def test_no_working_pip_says_what_to_install(dev: ModuleType) -> None:
    """Where nothing can install, the error names the package that helps."""

    def never(_command: list[str]) -> bool:
        return False

    with pytest.raises(dev.SetupError, match="apt install python3-venv"):
        dev.choose_pip([["missing"]], never)


def test_steps_keep_their_order_and_give_pytest_its_arguments(dev: ModuleType) -> None:
    """All groups give every step, format first and tests last; only pytest sees the arguments."""
    commands = dev.steps(dev.GROUPS, ["-k", "name"])
    assert [
        "ruff",
        "ruff",
        "mypy",
        "basedpyright",
        "lint-imports",
        "pytest",
    ] == [command[0] for command in commands]
    assert ["ruff", "format", "--check", "."] == commands[0]
    assert ["pytest", "-ra"] == commands[-1][:2]
    assert ["-k", "name"] == commands[-1][-2:]


def test_one_group_of_steps(dev: ModuleType) -> None:
    """A single group gives its own steps only."""
    assert [["lint-imports"]] == dev.steps(["contracts"], [])


def test_programs_are_commands_of_the_command_line(dev: ModuleType) -> None:
    """Each that is run in place of dev.py is in its help too, with a module or a script that is there."""
    assert {"demo", "bench"} == set(dev.PROGRAMS)
    assert all(f"\n    {name} " in dev.parser().format_help() for name in dev.PROGRAMS)
    assert (DEV_PY.parent / dev.PROGRAMS["bench"][-1] / "__main__.py").is_file()


@pytest.mark.parametrize(
    ("codes", "expected", "rounds"),
    [([0, 0], 0, 1), ([1, 0], 1, 1), ([2, 0], 2, 1), ([0, 1], 1, 1)],
)
def test_faults_end_with_the_worst_code_and_the_table(
    dev: ModuleType, codes: list[int], expected: int, rounds: int
) -> None:
    """There is a round also where there is no time, with its own seed; the table comes last, whatever went wrong."""
    commands: list[list[str]] = []

    def run_round(each: list[list[str]]) -> int:
        commands.extend(each)
        return codes[len(commands) - 1]

    assert expected == dev.inject(0, "7", write=True, run_round=run_round)
    assert rounds == sum(command[0] == "pytest" for command in commands)
    assert "--faults-seed=7.1" in commands[0]
    assert ["python", "-m", "tests.faults.page"] == commands[-1][:3]
    assert "--write" == commands[-1][-1]


def test_faults_go_on_until_the_time_is_over_or_nothing_runs(dev: ModuleType) -> None:
    """Rounds in which defects are found do not end it; one that pytest could not run does."""
    codes = [0, 1, 0, 4, 0]
    seeds: list[str] = []

    def run_round(each: list[list[str]]) -> int:
        seeds.extend(word for word in each[0] if word.startswith("--faults-seed"))
        return codes.pop(0)

    assert 4 == dev.inject(3600, "7", write=False, run_round=run_round)
    assert [f"--faults-seed=7.{number}" for number in (1, 2, 3, 4)] == seeds


@pytest.mark.parametrize(
    "argv",
    [
        ["check", "--foo"],
        ["faults", "-k", "x"],
        ["faults", "--minutes", "x"],
        ["test", "--only", "lint", "--", "-x"],
        ["unknown"],
    ],
)
def test_wrong_command_line_is_refused_before_the_set_up(dev: ModuleType, argv: list[str]) -> None:
    """Arguments that no step would take end with the usage and exit code 2."""
    with pytest.raises(SystemExit) as stopped:
        dev.main(argv)
    assert 2 == stopped.value.code


def test_no_arguments_show_the_usage(dev: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    """Started without a command, it lists the commands on standard error and exits with 2."""
    assert 2 == dev.main([])
    assert "demo" in capsys.readouterr().err
