"""What `ostinato top` does with a terminal whose keys are another program's, and with one that is dumb."""

import os
import sys
from pathlib import Path

import pytest
from rich.console import Console
from typing_extensions import override

from store.reading.ranking import Filters
from worker.cli.top import command as top
from worker.cli.top.looker import Looker
from worker.cli.top.sight import Looking, Sight
from worker.cli.top.terminal import Attention, Sign
from worker.settings import Settings


def test_keys_that_are_no_terminals_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with `ostinato top <file`: whoever looks on still wakes it."""
    keys = tmp_path / "keys"
    keys.write_text("q")
    with keys.open() as stdin, monkeypatch.context() as patch:
        patch.setattr(sys, "stdin", stdin)
        with Attention() as attention:
            attention.wake()
            assert Sign.DRAW is attention.wait()
        assert 0 == os.lseek(stdin.fileno(), 0, os.SEEK_CUR)


class _Slow(Looker):
    """Has seen nothing yet at the first drawing."""

    @override
    def sight(self) -> Sight | None:
        return None


def test_a_dumb_terminal_gets_nothing_before_there_is_a_sight(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line that says so would stay there for ever."""
    monkeypatch.setattr(top, "out", Console(_environ={"TERM": "dumb"}, force_terminal=True))
    signs = iter((Sign.DRAW, Sign.LEAVE))
    attention = Attention()
    monkeypatch.setattr(attention, "wait", lambda: next(signs))
    looker = _Slow(Looking(Settings(home=tmp_path), Filters(), 1), 60.0, lambda: None)
    assert Sign.LEAVE is top.drawn(looker, attention, "q ends")
    assert "" == capsys.readouterr().out
