"""`ostinato top` on terminals: what a person in front of one sees, and how the terminal is left."""

import signal
import sys
from collections.abc import Mapping
from itertools import takewhile

import pytest

from ostinato.messages.models import RecordPattern
from ostinato.messages.routing import QUEUE
from tests.product import Product
from tests.readers.screen import Terminal
from tests.servers.brokers import EmbeddedValkey
from tests.waiting import wait_until

TOP = (sys.executable, "-m", "worker.cli", "top", "--interval", "0.5")
SIZES = [(80, 24), (120, 40)]
ALTERNATE, CURSOR, WRAP = 1049, 25, 7
# Textual's own: the shape of the mouse pointer.
POINTER = b"\x1b]22;default\x07"
HOSTILE = (
    "[bold]\u202egpj.exe[/bold] :bug: {}%s \\",
    "wide \u5bec\u5bec\u5bec\u5bec " * 20,
    "face \U0001f469\u200d\U0001f467 \u2764\ufe0f " * 20,
    "zalgo " + "a\u0300\u0301\u0302\u0303" * 60,
    "long " + "x" * 490,
)


def top(
    product: Product,
    *options: str,
    columns: int = 80,
    lines: int = 24,
    env: Mapping[str, str] | None = None,
    term: str = "xterm-256color",
) -> Terminal:
    """The view on a terminal."""
    seen = product.env | dict(env or {})
    return Terminal(*TOP, *options, env=seen, cwd=product.elsewhere, columns=columns, lines=lines, term=term)


def sighting(name: str, suggested_action: str | None = None) -> RecordPattern:
    """A message for the view to show."""
    return RecordPattern(pattern_type="seen", pattern_name=name, suggested_action=suggested_action)


def assert_left_as_it_was(terminal: Terminal) -> None:
    """It ended with 0. The cursor shows, lines wrap, keys echo, and the earlier screen is back."""
    assert 0 == terminal.ended(), terminal.text()
    assert terminal.modes() == terminal.modes_before
    assert [["h", "l"], ["l", "h"], ["l", "h"]] == [terminal.switched(mode) for mode in (ALTERNATE, CURSOR, WRAP)]


@pytest.mark.parametrize(("columns", "lines"), SIZES)
def test_it_shows_what_comes_in(running: Product, columns: int, lines: int) -> None:
    """A message sent meanwhile appears; q ends the view."""
    name = f"on {columns} columns"
    with top(running, columns=columns, lines=lines) as terminal:
        terminal.wait_for("broker  answers; 1 worker is there", "store   answers", "q ends")
        running.send(sighting(name, suggested_action="look at it"))
        shown = terminal.wait_for(f"seen: {name}", "message came to the store", "recalculated")
        assert ("look at it" in shown) == (columns > 100)
        assert terminal.lines()[0].startswith("Ostinato  20")
        terminal.type(b"q")
        assert_left_as_it_was(terminal)
    assert terminal.colours() == []


@pytest.mark.parametrize("key", [b"\x03", b"\x04", b"Q"], ids=["ctrl-c", "ctrl-d", "Q"])
def test_other_keys_end_it_well(alone: Product, key: bytes) -> None:
    """With exit code 0, as q does."""
    with top(alone) as terminal:
        terminal.wait_for("q ends")
        terminal.type(key)
        assert_left_as_it_was(terminal)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_signals_end_it_well(alone: Product, number: signal.Signals) -> None:
    """With exit code 0, as q does."""
    with top(alone) as terminal:
        terminal.wait_for("q ends")
        terminal.signal(number)
        assert_left_as_it_was(terminal)


def test_it_counts_what_is_applied(running: Product) -> None:
    """The rate is between two looks; the count is the store's."""
    with top(running) as terminal:
        terminal.wait_for("per second", "0.0")
        running.send(*(sighting("counted") for _ in range(50)))
        applied = wait_until(lambda: (stats := running.stats()) and stats.applied, why="there is a store")
        assert applied
        wait_until(
            lambda: f"{running.store.stats().applied:,}" in terminal.text(), why="the count is that of the store"
        )


def test_it_follows_the_size_of_the_window(running: Product) -> None:
    """At once: a column without room disappears, and comes back."""
    running.send(sighting("resized", suggested_action="stretch"))
    wait_until(lambda: any("resized" == each.pattern_name for each in running.store.patterns()), why="it is there")
    with top(running, "--interval", "3600", columns=120, lines=40) as terminal:
        terminal.wait_for("what to do", "stretch")
        terminal.resize(80, 24)
        terminal.wait_for("seen: resized", "effective", without="what to do")
        terminal.resize(40, 14)
        terminal.wait_for("Ostinato  20", "seen: resized", without="effective")
        terminal.resize(120, 40)
        terminal.wait_for("what to do", "stretch")


@pytest.mark.parametrize(("columns", "lines"), SIZES)
def test_hostile_names_stay_on_their_lines(running: Product, columns: int, lines: int) -> None:
    """Each pattern is one line. None commands the terminal, acts as a style or moves another column."""
    running.send(*(sighting(f"{place} {name}", suggested_action=name) for place, name in enumerate(HOSTILE)))
    with top(running, "--type", "seen", columns=columns, lines=lines) as terminal:
        terminal.wait_for(*(f"seen: {place} " for place in range(len(HOSTILE))))
        shown = terminal.lines()
        heading = next(place for place, line in enumerate(shown) if line.startswith("priority"))
        rows = list(takewhile(bool, shown[heading + 1 :]))
        at = shown[heading].index("pattern")
        assert {"seen: "} == {line[at : at + 6] for line in rows}
        assert r"seen: 0 [bold]\u202egpj.exe[/b" in terminal.text()
        raw = terminal.raw.replace(POINTER, b"")
        assert (b"\x1b]" in raw, "\u202e".encode() in raw) == (False, False)


def test_the_latest_refusals_stand_at_the_bottom(running: Product) -> None:
    """With their reasons."""
    running.client.lpush(QUEUE, b"\x1b[2J no json")
    with top(running) as terminal:
        terminal.wait_for("latest in the quarantine", "envelope_not_json")


def test_broker_and_store_may_be_away(alone: Product) -> None:
    """The view names what does not answer, and goes on when it is back."""
    with top(alone, columns=120) as terminal:
        terminal.wait_for("broker  The broker does not answer", "store   There is no store", "No pattern matches yet.")
        with EmbeddedValkey(alone.home):
            assert 0 == alone.cli("migrate").code
            terminal.wait_for("broker  answers; no worker is there, so messages wait", "store   answers")
            with alone.worker():
                alone.send(sighting("kept"))
                terminal.wait_for("1 worker is there", "seen: kept")
            store = alone.home / "store.db"
            store.rename(alone.home / "away.db")
            terminal.wait_for("What stands below is of", "seen: kept")
            (alone.home / "away.db").rename(store)
            terminal.wait_for("store   answers", "seen: kept")
        terminal.wait_for("broker  The broker does not answer")
        terminal.type(b"q")
        assert_left_as_it_was(terminal)


def test_no_colour_means_none(alone: Product) -> None:
    """Trouble on the screen is red otherwise."""
    with top(alone) as coloured, top(alone, env={"NO_COLOR": "1"}) as plain:
        for terminal in (coloured, plain):
            terminal.wait_for("The broker does not answer")
        assert (True, False) == (bool(coloured.colours()), bool(plain.colours()))


def test_a_dumb_terminal_gets_lines(alone: Product) -> None:
    """Without an escape sequence; Ctrl-C ends them."""
    with top(alone, term="dumb", columns=80) as terminal:
        terminal.wait_for("The broker does not answer", "Ctrl-C ends")
        terminal.type(b"\x03")
        assert 0 == terminal.ended()
        assert b"\x1b" not in terminal.raw
        assert terminal.modes() == terminal.modes_before


def test_keys_of_a_file_are_left_alone(alone: Product) -> None:
    """As in `ostinato top <file`: no key can end it, so it prints lines until Ctrl-C."""
    keys = alone.elsewhere / "keys"
    keys.write_text("q")
    with Terminal("sh", "-c", f'exec "$0" "$@" <{keys}', *TOP, env=alone.env, cwd=alone.elsewhere) as terminal:
        terminal.wait_for("The broker does not answer", "Ctrl-C ends")
        terminal.type(b"\x03")
        assert 0 == terminal.ended()
        assert [] == terminal.switched(ALTERNATE)


def test_it_can_be_suspended(alone: Product) -> None:
    """By Ctrl-Z, as any program: the shell has its terminal back, and after `fg` the view is back."""
    job = ("sh", "-mc", '"$@"; echo stopped; fg >/dev/null', "sh", *TOP)
    with Terminal(*job, env=alone.env, cwd=alone.elsewhere) as terminal:
        terminal.wait_for("q ends")
        terminal.type(b"\x1a")
        wait_until(lambda: (terminal.lines(), terminal.switched(ALTERNATE) == ["h", "l", "h"])[1], why="it is back")
        assert b"stopped" in terminal.raw
        terminal.wait_for("q ends")
        terminal.type(b"q")
        assert 0 == terminal.ended()
        assert ["h", "l", "h", "l"] == terminal.switched(ALTERNATE)


def test_one_look(alone: Product, running: Product) -> None:
    """If the output is no terminal; the exit code says what does not answer."""
    running.send(sighting("looked at"))
    wait_until(lambda: any("looked at" == each.pattern_name for each in running.store.patterns()), why="it is there")
    code, out, err = running.cli("top", env={"COLUMNS": "120"})
    assert (0, "") == (code, err)
    assert "\x1b" not in out
    assert ("store   answers" in out, "what to do" in out) == (True, True)
    assert 4 == alone.cli("top", "--once").code
    assert 0 == alone.cli("migrate").code
    assert 3 == alone.cli("top", "--once").code
    assert 2 == alone.cli("top", "--interval", "0.4").code
