"""The command line's own way of writing, where it is not a terminal's."""

import sys
from io import BytesIO, StringIO, TextIOWrapper

import pytest
import typer.main
from typer.core import TyperGroup

from worker.cli.commands import COMMANDS, app
from worker.cli.main import ESCAPES, escape_unencodable


def test_what_an_output_lacks_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    """As JSON does. An output that takes every text is left as it is; for reading there is no such escape."""
    narrow = TextIOWrapper(BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", narrow)
    monkeypatch.setattr(sys, "stderr", StringIO())
    escape_unencodable()

    narrow.write("gr\u00fcn")
    narrow.flush()
    assert b"gr\\u00fcn" == narrow.buffer.getvalue()
    with pytest.raises(UnicodeDecodeError):
        b"\xff".decode("ascii", ESCAPES)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_each_says_of_itself(name: str) -> None:
    """The line in the list is the first sentence of the help of the command."""
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    line = COMMANDS[name][1]
    assert line == str(group.commands[name].help)[: len(line)]
