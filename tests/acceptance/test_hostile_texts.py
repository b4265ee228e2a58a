"""Texts that want to be more than texts, from messages to a terminal: on one line, as written, and harmless."""

import json
from collections.abc import Generator

import pytest

from ostinato.identity import pattern_id
from ostinato.messages.routing import QUEUE
from tests.product import Product
from tests.samples.envelopes import envelope

# Right-to-left overrides, line ends of other standards, styles and emoji of the console's own, and a faked row.
NAME = "[bold]\u202egpj.exe[/bold] :bug: [link=file:///x]%s{}\u2066 [/] \\"
TEXT = "first\nquarantined  0\tthird \U0001f469\u200d\U0001f467"
# What no message may have, and the quarantine keeps: commands to a terminal, in 7 and in 8 bits.
RAW = b'\x1b]0;owned\x07\x1b[2J\r{"\xc2\x9b31m": "\xe2\x80\xae\xe2\x80\xa8[red]\x7f\x00\xff\n[/]"}'


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Generator[Product]:
    """An Ostinato that was told such texts, in messages that are good and in others."""
    key = pattern_id("hostile", NAME)
    sighting = {"kind": "record_pattern", "pattern_type": "hostile", "pattern_name": NAME, "description": TEXT}
    applied = {"kind": "record_pattern_application", "pattern_id": key, "execution_id": f"run {NAME}"}
    lines = [sighting | {"suggested_action": TEXT, "context_tags": [NAME]}, applied | {"pattern_led_to_success": True}]
    with Product(tmp_path_factory.mktemp("h")) as product, product.up():
        product.wait_for(applied=1)
        product.client.lpush(QUEUE, RAW)
        product.client.lpush(QUEUE, json.dumps(envelope("{}", task=RAW.decode(errors="replace"))).encode())
        assert 0 == product.cli("send", "-", stdin="".join(f"{json.dumps(line)}\n" for line in lines)).code
        product.wait_for(applied=3, quarantined=2)
        yield product


def shown(product: Product, *words: str) -> str:
    """What a command prints on both streams; every character of it can be seen, or ends a line."""
    _, out, err = product.cli(*words, env={"COLUMNS": "400"})
    assert "" == "".join(each for each in out + err if not each.isprintable() and each != "\n")
    return out + err


def test_a_pattern_is_listed_as_it_was_written(told: Product) -> None:
    """Nothing in its name is taken for a style, and what cannot be seen stands as an escape."""
    words = shown(told, "patterns", "list", "--type", "hostile").split()
    assert [r"[bold]\u202egpj.exe[/bold]", ":bug:"] == [each for each in words if "bold" in each or "bug" in each]
    assert not any(line.startswith("quarantined") for line in shown(told, "patterns", "list").splitlines())


def test_a_pattern_is_shown_as_it_was_written(told: Product) -> None:
    """The line end within its text does not begin a line."""
    out = shown(told, "patterns", "show", pattern_id("hostile", NAME))
    assert r"first\nquarantined" in out
    assert out.count("[bold]\\u202egpj.exe[/bold]") == 3  # its name, its tag, and the execution


def test_a_long_word_is_not_cut_off(told: Product) -> None:
    """On 80 columns it goes on below."""
    listed = told.cli("patterns", "list", "--type", "hostile").out
    assert "…" not in listed
    assert "[link=file:///x]%s{}" in "".join(listed.split())


def test_json_of_a_pattern_has_the_very_texts(told: Product) -> None:
    """For programs they are what they were, though a terminal would have shown it all the same."""
    [pattern] = json.loads(shown(told, "patterns", "list", "--type", "hostile", "--json"))
    assert (NAME, TEXT, [NAME]) == (pattern["pattern_name"], pattern["description"], pattern["context_tags"])


def test_what_is_quarantined_commands_nothing(told: Product) -> None:
    """Listed, shown and as JSON: no escape sequence and no bell reaches a terminal."""
    found = json.loads(shown(told, "quarantine", "list", "--json"))
    assert {"envelope_not_json", "unknown_task"} == {each["reason_code"] for each in found}
    shown(told, "quarantine", "list")
    for each in found:
        assert r"\x1b" in shown(told, "quarantine", "show", each["id"]) or each["reason_code"] == "unknown_task"
        shown(told, "quarantine", "show", each["id"], "--json")
    shown(told, "status")


def test_an_error_repeats_a_text_on_one_line(told: Product) -> None:
    """Also a name that a person typed."""
    assert 1 == shown(told, "send", "\x1b[31mno\nfile\u202e").count("\n")


def test_each_line_of_the_logs_is_one_record(told: Product) -> None:
    """The worker's log has nothing but JSON after Celery's banner, and no byte that is not printable ASCII."""
    log = told.log("worker")
    assert log.isascii()
    assert "\x1b" not in log
    assert all(json.loads(line) for line in log.split("\n") if line.startswith("{"))
