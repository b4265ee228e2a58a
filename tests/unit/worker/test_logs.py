"""One line of valid JSON for each record, with any text in it (spec 5: what is logged)."""

import io
import json
import logging
import sys
from collections.abc import Callable, Generator
from secrets import token_hex
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from worker.logs import configure_logs

ODD = ["\n", "\r\n", "\x1b[31mred\x1b[0m", "\ud800", "\0", "\u2028\u2029\x85", '"}\n{"', "%s %d", "{}", "👩‍👩‍👧", "\\"]
Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Generator[Lines]:
    """Configures the logs at INFO, and gives what has been logged."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    errors = io.StringIO()
    monkeypatch.setattr(sys, "stderr", errors)
    configure_logs("INFO")
    yield lambda: [json.loads(line) for line in errors.getvalue().splitlines()]
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.parametrize("text", ODD, ids=ascii)
def test_a_fact_is_one_line_whatever_text_it_holds(lines: Lines, text: str) -> None:
    """New lines, escapes and surrogates stand in the line as escapes, and come out as they went in."""
    structlog.get_logger().info("message_applied", name=text, names=[text], of={text: text})

    (line,) = lines()
    assert ("message_applied", "info") == (line["event"], line["level"])
    assert (text, [text], {text: text}) == (line["name"], line["names"], line["of"])
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize("text", ODD, ids=ascii)
def test_a_record_of_others_is_one_line_too(lines: Lines, text: str) -> None:
    """What Celery logs goes through the same pipe, with its logger's name and its extra fields."""
    logging.getLogger("celery.worker").warning("received %s", text, extra={"name_of_it": text})

    (line,) = lines()
    assert (f"received {text}", "celery.worker", "warning") == (line["event"], line["logger"], line["level"])
    assert text == line["name_of_it"]


@pytest.mark.parametrize("logger_of", [logging.getLogger, structlog.get_logger], ids=["others", "own"])
@pytest.mark.parametrize("text", ODD, ids=ascii)
def test_an_error_is_one_line_with_its_traceback(lines: Lines, logger_of: Callable[[str], Any], text: str) -> None:
    """The traceback is a field like any other."""
    try:
        _fail(text)
    except ValueError:
        logger_of("a name").exception("effect_failed")

    (line,) = lines()
    assert ("effect_failed", "error") == (line["event"], line["level"])
    assert [("ValueError", text)] == [(each["exc_type"], each["exc_value"]) for each in line["exception"]]


def _fail(text: str) -> None:
    raise ValueError(text)


def test_a_traceback_tells_no_secrets(lines: Lines) -> None:
    """It says where, and not with which values: among them are passwords of brokers and stores."""
    secret = token_hex()
    try:
        _fail(f"{len(secret)} letters")
    except ValueError:
        structlog.get_logger().exception("store_unavailable")

    assert secret not in json.dumps(lines())


@given(st.text(st.characters() | st.sampled_from("\n\r\x1b\ud800\x85\u2028")))
def test_any_text_survives(text: str) -> None:
    """The last step of the pipe escapes what is not printable ASCII."""
    rendered = structlog.processors.JSONRenderer()(None, "info", {"text": text})

    assert isinstance(rendered, str)
    assert rendered.isascii()
    assert rendered.isprintable()
    assert {"text": text} == json.loads(rendered)


def test_what_is_bound_stands_in_every_line(lines: Lines) -> None:
    """The id of a delivery is bound once, and cleared."""
    with structlog.contextvars.bound_contextvars(delivery="d"):
        structlog.get_logger().info("one")
        logging.getLogger("other").info("two")
    structlog.get_logger().info("three")

    assert [("one", "d"), ("two", "d"), ("three", None)] == [(each["event"], each.get("delivery")) for each in lines()]


def test_records_below_the_level_are_left_out(lines: Lines) -> None:
    """Also the two lines per message that Celery logs at INFO."""
    structlog.get_logger().debug("message_applied")
    logging.getLogger("celery.worker.strategy").info("Task received")
    logging.getLogger("celery.app.trace").info("Task succeeded")
    logging.getLogger("other").debug("too fine")

    assert [] == lines()


@pytest.mark.usefixtures("lines")
def test_configuring_twice_doubles_no_line() -> None:
    """Logs that are configured twice have one handler."""
    configure_logs("INFO")

    assert 1 == len(logging.getLogger().handlers)


@pytest.mark.usefixtures("lines")
def test_on_a_terminal_a_record_is_for_people(monkeypatch: pytest.MonkeyPatch) -> None:
    """Words, one line, and no JSON."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    configure_logs("INFO")
    structlog.get_logger().info("message_applied", kind="record_pattern")

    (line,) = terminal.getvalue().splitlines()
    assert "message_applied" in line
    assert not line.startswith("{")


@pytest.mark.usefixtures("lines")
@pytest.mark.parametrize("text", ODD, ids=ascii)
def test_a_terminal_gets_one_line_and_no_commands(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """With any texts in a record, the only escape sequences in it are the renderer's own."""
    shown = [_on_a_terminal(monkeypatch, each) for each in (text, "x" * len(text))]

    assert [1, 1] == [each.count("\n") for each in shown]
    assert shown[0].count("\x1b") == shown[1].count("\x1b")
    assert all(each.isprintable() for each in shown[0].rstrip("\n").replace("\x1b", ""))


def _on_a_terminal(monkeypatch: pytest.MonkeyPatch, text: str) -> str:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    configure_logs("INFO")
    structlog.get_logger(text).info(text, name=text, names=[text], **{text: text})
    return terminal.getvalue()


@pytest.mark.usefixtures("lines")
def test_a_traceback_on_a_terminal_has_neither_secrets_nor_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error's text stands there, escaped, and no line of it begins as a record does."""
    terminal, secret = Terminal(), token_hex()
    monkeypatch.setattr(sys, "stderr", terminal)
    configure_logs("INFO")
    text = f"{len(secret)} letters\n2026-01-01 [info] forged \x1b]0;title\x07"
    try:
        _fail(text)
    except ValueError:
        structlog.get_logger().exception("effect_failed")
        logging.getLogger("celery").exception("and another's")

    first, *others = terminal.getvalue().split("\n")
    assert "effect_failed" in first
    assert secret not in terminal.getvalue()
    assert 2 == sum("forged \\x1b]0;title\\x07" in line and line.startswith("  ") for line in others)
    assert "\x07" not in terminal.getvalue()
    assert "\x1b]" not in terminal.getvalue()


class Terminal(io.StringIO):
    """A terminal that remembers what it showed."""

    @override
    def isatty(self) -> bool:
        return True
