"""`ostinato import-sqlite`: moving in from the predecessor, with nothing else running, or beside a worker."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from store.database.tables import patterns
from tests.product import Finished, Product
from tests.samples.predecessor import PATTERN, Predecessor

P = str(PATTERN["id"])


@pytest.fixture
def old(tmp_path: Path) -> Predecessor:
    """A predecessor's database with a good pattern, a bad one, and three applications, one of them bad."""
    old = Predecessor(tmp_path / "old.db")
    old.patterns({"led_to_success_count": 4, "variance": None}, {"id": "nameless", "pattern_name": ""})
    old.applications({}, {"id": "7", "pattern_id": "never"}, {"id": "8", "pattern_led_to_success": None})
    return old


def run(product: Product, old: Path, *options: str) -> Finished:
    """The command, from Berlin."""
    return product.cli("import-sqlite", str(old), "--timezone", "Europe/Berlin", *options)


def test_it_imports_once_and_says_what_it_did(alone: Product, old: Predecessor) -> None:
    """The first run takes what can be taken, the second nothing; exit code 1, as rows were skipped."""
    code, out, _ = run(alone, old.path)
    assert 1 == code
    assert [
        "patterns: 2 rows, 1 taken, 0 of them parked, 0 already there, 0 changed, 1 skipped",
        "  mended, variance_missing: 1",
        "  skipped, pattern_name_missing: 1 (nameless)",
        "applications: 3 rows, 2 taken, 1 of them parked, 0 already there, 0 changed, 1 skipped",
        "  skipped, pattern_led_to_success_missing: 1 (8)",
    ] == out.splitlines()
    before = alone.rows(patterns)
    assert [(P, 4)] == [(row["id"], row["led_to_success_count"]) for row in before]

    code, out, _ = run(alone, old.path, "--json")
    none: dict[str, object] = {"taken": 0, "parked": 0, "changed": [], "mended": {}}
    expected: dict[str, object] = {
        "schema_version": 15,
        "patterns": {"rows": 2, **none, "already_there": 1, "skipped": {"pattern_name_missing": ["nameless"]}},
        "applications": {"rows": 3, **none, "already_there": 2, "skipped": {"pattern_led_to_success_missing": ["8"]}},
    }
    assert (1, expected) == (code, json.loads(out))
    assert before == alone.rows(patterns)


def test_a_complete_import_ends_with_0(alone: Product, tmp_path: Path) -> None:
    """Also the second one; a row that has changed since is reported, with exit code 1."""
    old = Predecessor(tmp_path / "old.db")
    old.patterns({})
    assert 0 == run(alone, old.path).code
    assert 0 == run(alone, old.path).code

    old.sql("UPDATE patterns SET occurrence_count = 99")
    code, out, _ = run(alone, old.path)
    assert (1, f"  changed since it was taken, and not taken again: 1 ({P})") == (code, out.splitlines()[1])


@pytest.mark.long
def test_it_imports_beside_a_worker(embedded: Product, tmp_path: Path) -> None:
    """Both write to the store, one after the other; a recalculation then scores what was imported."""
    old = Predecessor(tmp_path / "old.db")
    old.patterns(*({"id": f"{number:016x}"} for number in range(500)))
    with embedded.worker():
        embedded.wait_for_workers(1)
        assert 0 == run(embedded, old.path).code
        assert 0 == embedded.cli("recalculate", "--wait").code
    assert {0.55} == {row["effectiveness_score"] for row in embedded.rows(patterns)}
    assert 501 == embedded.store.stats().applied


@pytest.mark.long
def test_a_store_that_others_hold_is_no_end(alone: Product, old: Predecessor) -> None:
    """It says that the command can be run again, which then takes the rest; exit code 4."""
    assert 0 == alone.cli("migrate").code
    with closing(sqlite3.connect(alone.home / "store.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        code, out, err = run(alone, old.path)
    assert (4, "", 1) == (code, out, len(err.splitlines()))
    assert "locked" in err
    assert err.endswith("What was imported stays; run the command again for the rest.\n")
    assert "2 rows, 1 taken" in run(alone, old.path).out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("{}/none",), "{}/none cannot be read: No such file or directory.\n"),
        (("{}/text",), "{}/text is no SQLite database.\n"),
        (("{}/text", "--timezone", "Mars"), "'Mars' is no time zone known here; write one as in Europe/Berlin.\n"),
    ],
)
def test_what_cannot_be_imported_is_one_sentence(
    alone: Product, tmp_path: Path, words: tuple[str, ...], sentence: str
) -> None:
    """With exit code 2; no store is made for it."""
    (tmp_path / "text").write_text("hello")
    found = alone.cli("import-sqlite", *(word.format(tmp_path) for word in words))
    assert (2, "", sentence.format(tmp_path)) == found
    assert not (alone.home / "store.db").exists()
