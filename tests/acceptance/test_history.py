"""The history as its owners use it: exported, sent into another home, rebuilt, verified, pruned."""

import json
import sqlite3
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.product import Product
from tests.waiting import wait_until
from worker.cli.demo.sample import sample_lines


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[Product, str]]:
    """A home that was taught a part of the sample and rests now, and what `ostinato export` writes of it."""
    with Product(tmp_path_factory.mktemp("h")) as product:
        sample = [line for _, line in zip(range(600), sample_lines(), strict=False)]
        with product.up():
            product.wait_for(applied=1)
            assert 0 == product.cli("send", "-", stdin="".join(f"{each}\n" for each in sample)).code
            parked = product.store.stats().parked
            product.wait_for(applied=601 - parked)
            assert 0 == product.cli("recalculate", "--wait").code
        written = product.cli("export")
        assert (0, "wrote 602 messages\n") == (written.code, written.err)
        yield product, written.out


@pytest.fixture
def other(tmp_path_factory: pytest.TempPathFactory) -> Generator[Product]:
    """An empty home."""
    with Product(tmp_path_factory.mktemp("h")) as product:
        yield product


def learnt(product: Product) -> list[dict[str, Any]]:
    """Every pattern of a home, as programs read it."""
    found = product.cli("patterns", "list", "--json", "--limit", "1000", "--min-priority", "0", "--include-inactive")
    return list(json.loads(found.out))


@pytest.mark.long
def test_an_export_sent_into_an_empty_home_makes_an_equal_store(exported: tuple[Product, str], other: Product) -> None:
    """Every pattern, count, time and score is the same once both are recalculated."""
    source, history = exported
    with other.up():
        other.wait_for(applied=1)
        assert (0, "sent 602, bad 0\n") == other.cli("send", "-", stdin=history)[:2]
        assert 0 == other.cli("recalculate", "--wait").code
    assert [] != learnt(source)
    assert learnt(source) == learnt(other)
    assert source.store.stats().applications == other.store.stats().applications


@pytest.mark.long
def test_an_export_sent_back_changes_nothing(exported: tuple[Product, str]) -> None:
    """Each of its messages is a duplicate."""
    source, history = exported
    before, counts = learnt(source), source.store.stats()
    with source.up():
        wait_until(lambda: 0 == source.cli("status").code, why="the broker answers")
        assert 0 == source.cli("send", "-", stdin=history).code
        wait_until(lambda: source.store.stats().duplicates >= counts.duplicates + 602, why="all have arrived")
    assert before == learnt(source)


def test_an_export_goes_into_a_file(exported: tuple[Product, str], tmp_path: Path) -> None:
    """The same lines; a file that cannot be written is a sentence and exit code 2."""
    source, history = exported
    file = tmp_path / "history.jsonl"
    assert (0, "") == source.cli("export", str(file))[:2]
    assert history.splitlines() == file.read_text(encoding="utf-8").splitlines()[:602]
    refused = source.cli("export", str(tmp_path))
    assert (2, "", f"{tmp_path} cannot be written: Is a directory.\n") == refused


def test_a_rebuilt_store_equals_the_live_one(exported: tuple[Product, str], tmp_path: Path) -> None:
    """Verified, kept where it was asked for, and then never written over."""
    source, _ = exported
    assert (0, "The rebuilt store equals the live one.\n", "") == source.cli("rebuild", "--verify")
    url = f"sqlite:///{tmp_path}/again.db"
    assert (0, "The store is rebuilt.\n", "") == source.cli("rebuild", "--into", url)
    there = source.cli("patterns", "list", "--json", env={"OSTINATO_STORE_URL": url})
    assert 20 == len(json.loads(there.out))
    refused = source.cli("rebuild", "--into", url)
    assert (2, "The store to rebuild into is not empty: name one that does not exist yet.\n") == (
        refused.code,
        refused.err,
    )


def test_rebuild_wants_to_know_what_for(exported: tuple[Product, str]) -> None:
    """To neither keep nor compare the store is a mistake on the command line."""
    refused = exported[0].cli("rebuild")
    assert 2 == refused.code
    assert "give --into URL, --verify, or both" in refused.err


def test_a_store_that_was_tampered_with_is_found_out(exported: tuple[Product, str], tmp_path: Path) -> None:
    """With exit code 1, and the difference in words or as JSON."""
    source, _ = exported
    url = f"sqlite:///{tmp_path}/copy.db"
    assert 0 == source.cli("rebuild", "--into", url).code
    with closing(sqlite3.connect(tmp_path / "copy.db")) as connection, connection:
        (key,) = connection.execute("SELECT min(id) FROM patterns").fetchone()
        connection.execute("UPDATE patterns SET led_to_failure_count = 77 WHERE id = ?", (key,))
    told = source.cli("rebuild", "--verify", env={"OSTINATO_STORE_URL": url, "COLUMNS": "200"})
    assert 1 == told.code
    assert key in told.out
    assert "3 differences" in told.out
    as_json = source.cli("rebuild", "--verify", "--json", env={"OSTINATO_STORE_URL": url})
    [count] = [each for each in json.loads(as_json.out) if each["column"] == "led_to_failure_count"]
    assert ("patterns", key, 77) == (count["table"], count["key"], count["live"])


def test_a_pruned_store_keeps_its_scores(exported: tuple[Product, str], tmp_path: Path) -> None:
    """Its history is gone, which export and rebuild say with exit code 1; a wrong age is a usage error."""
    source, _ = exported
    url = f"sqlite:///{tmp_path}/pruned.db"
    env = {"OSTINATO_STORE_URL": url}
    assert 0 == source.cli("rebuild", "--into", url).code
    before = source.cli("patterns", "list", "--json", env=env).out
    assert (0, "pruned 0 messages\n", "") == source.cli("prune", "--older-than", "4w", env=env)
    assert (0, "pruned 602 messages\n", "") == source.cli("prune", "--older-than", "0s", env=env)
    assert before == source.cli("patterns", "list", "--json", env=env).out
    exported_again = source.cli("export", env=env)
    assert (1, "") == exported_again[:2]
    assert "602 messages are missing: their content was pruned." in exported_again.err
    refused = source.cli("rebuild", "--verify", env=env)
    assert (1, "602 messages of the history were pruned: the store cannot be made again from it.\n") == (
        refused.code,
        refused.err,
    )
    wrong = source.cli("prune", "--older-than", "soon", env=env | {"COLUMNS": "200"})
    assert 2 == wrong.code
    assert "write it as 90d: a number, and s, m, h, d or w" in wrong.err
