"""The decisions of dev.py that need no process."""

import ast
from pathlib import Path

import pytest

import dev

DEV_PY = Path(dev.__file__)
WANTED = f"/here/.venv\n{dev.VERSION}\ndigest\nplain"


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
def test_unfit_machine_is_told_why(version: tuple[int, int], platform: str, expected: str | None) -> None:
    """An old Python and Windows are refused with one sentence; everything else runs."""
    assert expected == dev.refusal(version, platform)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (WANTED, "nothing"),
        (WANTED.replace("plain", "dev"), "nothing"),
        (WANTED.replace("digest", "other"), "install"),
        (WANTED.replace("/here", "/elsewhere"), "rebuild"),
        (WANTED.replace(dev.VERSION, "3.1"), "rebuild"),
        (WANTED[:5], "rebuild"),
        ("unfinished", "rebuild"),
        ("", "install"),
    ],
)
def test_the_mark_decides_what_is_done(tmp_path: Path, found: str, expected: str) -> None:
    """Changed declarations are installed again; another Python, a moved folder or an unfinished set-up starts afresh.

    An environment made by hand has no mark, and is kept.
    """
    for folder in ("bin", f"lib/python{dev.VERSION}"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "bin/python").touch()
    (tmp_path / dev.MARK.name).write_text(found)
    assert expected == dev.needed(tmp_path, WANTED)
    (tmp_path / "bin/python").unlink()
    assert "rebuild" == dev.needed(tmp_path, WANTED)


def test_dev_tools_are_added_to_an_environment_without(tmp_path: Path) -> None:
    """An environment that a demo made is completed when the tests are run; both distributions are in the mark."""
    for folder in (".venv/bin", f".venv/lib/python{dev.VERSION}", "client"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / ".venv/bin/python").touch()
    for name in ("pyproject.toml", "client/pyproject.toml"):
        (tmp_path / name).write_text("[project]")
    (tmp_path / ".venv" / dev.MARK.name).write_text(dev.mark(tmp_path, dev=False))
    plans = [dev.needed(tmp_path / ".venv", dev.mark(tmp_path, dev=tools)) for tools in (False, True)]
    assert ["nothing", "install"] == plans
    (tmp_path / "client/pyproject.toml").write_text("[changed]")
    assert "install" == dev.needed(tmp_path / ".venv", dev.mark(tmp_path, dev=False))


def test_programs_are_commands_of_the_command_line() -> None:
    """Each that is run in place of dev.py is in its help too, with a module that is there."""
    assert all(f"\n    {name} " in dev.parser().format_help() for name in [*dev.PROGRAMS, *dev.CHORES])
    modules = [command.split("-m ")[1].replace(".", "/") for command in dev.PROGRAMS.values() if "-m " in command]
    assert all((DEV_PY.parent / module / "__main__.py").is_file() for module in modules)


@pytest.mark.parametrize(
    "argv",
    [
        ["check", "--foo"],
        ["test", "--only", "lint", "--", "-x"],
        ["test", "--only", "lint", "--long"],
        ["unknown"],
    ],
)
def test_wrong_command_line_is_refused_before_the_set_up(argv: list[str]) -> None:
    """Arguments that no step would take end with the usage and exit code 2."""
    with pytest.raises(SystemExit) as stopped:
        dev.main(argv)
    assert 2 == stopped.value.code


def test_no_arguments_show_the_usage(capsys: pytest.CaptureFixture[str]) -> None:
    """Started without a command, it lists the commands on standard error and exits with 2."""
    assert 2 == dev.main([])
    assert "demo" in capsys.readouterr().err
