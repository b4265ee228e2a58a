"""The command line's own way of writing, where it is not a terminal's."""

import sys
from io import BytesIO, StringIO, TextIOWrapper

import pytest

from worker.cli.main import ESCAPES, print_whatever_comes


def test_what_an_output_lacks_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    """As JSON does; an output that takes every text is left as it is, and reading is nobody's business here."""
    narrow = TextIOWrapper(BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", narrow)
    monkeypatch.setattr(sys, "stderr", StringIO())
    print_whatever_comes()

    narrow.write("gr\u00fcn")
    narrow.flush()
    assert b"gr\\u00fcn" == narrow.buffer.getvalue()
    with pytest.raises(UnicodeDecodeError):
        b"\xff".decode("ascii", ESCAPES)
