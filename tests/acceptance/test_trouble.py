"""What the command line says when it cannot: one sentence on standard error, and the documented exit code."""

import socket
import sqlite3
import sys
from contextlib import closing

import pytest

from store.database.schema import REVISION
from tests.product import Product

GOOD = '{"kind": "record_pattern", "pattern_type": "test", "pattern_name": "x"}\n'
SETTINGS = {
    "OSTINATO_BROKER_URL": "kafka://127.0.0.1",
    "OSTINATO_STORE_URL": "mysql://127.0.0.1/x",
    "OSTINATO_RECALCULATE_EVERY": "0",
}
READING = (("status",), ("patterns", "list"))
# Standard input has one line, and is then a terminal that was hung up.
HUNG_UP = """
import os, sys
kept, left = os.openpty()
os.write(left, sys.argv[1].encode())
os.close(left)
os.dup2(kept, 0)
os.execv(sys.executable, [sys.executable, "-m", "worker.cli", "send", "-"])
"""
# Ctrl-C comes when the command is about to be imported.
INTERRUPTED = """
import os, signal, sys

class Interrupting:
    def find_spec(self, name, *_):
        if name == "worker.cli.patterns":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupting())
from worker.cli.main import main
main()
"""


@pytest.mark.parametrize(("name", "value"), SETTINGS.items(), ids=SETTINGS)
def test_setting_that_cannot_work(alone: Product, name: str, value: str) -> None:
    """Its name is in the sentence; exit code 2."""
    assert alone.cli("up", env={name: value}).sentence(2).startswith(f"{name} cannot be used: ")


def test_ctrl_c_while_it_still_loads(alone: Product) -> None:
    """Exit code 130 and no traceback, as at any later moment."""
    assert (130, "", "") == alone.run(sys.executable, "-c", INTERRUPTED, "patterns", "list")


def test_wrong_usage(alone: Product) -> None:
    """Unknown words and files that cannot be read: exit code 2."""
    assert 2 == alone.cli("nonsense").code
    assert 2 == alone.cli("patterns", "list", "--limit", "0").code
    assert 2 == alone.cli("patterns", "list", "--limit", "9" * 20).code
    missing = alone.elsewhere / "missing.jsonl"
    assert f"{missing} cannot be read: No such file or directory." == alone.cli("send", str(missing)).sentence(2)


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_store_that_is_not_there(alone: Product, words: tuple[str, ...]) -> None:
    """Every reader says how to make one, and makes none; exit code 4."""
    assert "run `ostinato up` or `ostinato migrate`" in alone.cli(*words).sentence(4)
    assert not (alone.home / "store.db").exists()


def set_revision(product: Product, revision: str) -> None:
    """Make the store one of another version."""
    with closing(sqlite3.connect(product.home / "store.db")) as store, store:
        store.execute("UPDATE alembic_version SET version_num = ?", (revision,))


def test_store_of_another_version(alone: Product) -> None:
    """Readers name both schemas; exit code 4."""
    assert 0 == alone.cli("migrate").code
    set_revision(alone, "0000")
    assert f"has schema 0000, this version needs {REVISION}" in alone.cli("patterns", "list").sentence(4)


@pytest.mark.parametrize("command", ["up", "migrate"])
def test_store_of_a_later_version(alone: Product, command: str) -> None:
    """It cannot be brought to this one's schema, and is left as it is; exit code 4."""
    assert 0 == alone.cli("migrate").code
    set_revision(alone, "9999")
    assert "9999" in alone.cli(command).sentence(4)


@pytest.mark.parametrize("command", ["up", "migrate"])
def test_home_that_cannot_be_made(alone: Product, command: str) -> None:
    """The sentence names the folder; exit code 2."""
    (alone.home / "file").touch()
    folder = alone.home / "file" / "home"
    assert str(folder) in alone.cli(command, env={"OSTINATO_HOME": str(folder)}).sentence(2)


def test_file_that_is_no_store(alone: Product) -> None:
    """Said in a sentence, not by a traceback; exit code 4."""
    file = alone.home / "store.db"
    file.write_text("certainly not a database" * 10)
    said = alone.cli("patterns", "list").sentence(4)
    assert said.startswith(
        f"The store at sqlite:///{file} is unavailable (DatabaseError: file is not a database): see "
    )
    assert "OSTINATO_HOME" in said


@pytest.mark.parametrize("words", [("send", "-"), ("status",), ("up",)], ids=" ".join)
@pytest.mark.parametrize("hangs", [False, True], ids=["refused", "hanging"])
@pytest.mark.parametrize("kind", ["redis", "amqp"])
def test_broker_that_does_not_answer(alone: Product, words: tuple[str, ...], kind: str, *, hangs: bool) -> None:
    """Whether it refuses or hangs, the sentence says what to do; exit code 3."""
    assert 0 == alone.cli("migrate").code
    with socket.create_server(("127.0.0.1", 0)) as server:
        if not hangs:
            server.close()
        url = f"{kind}://127.0.0.1:{server.getsockname()[1] if hangs else 1}"
        finished = alone.cli(*words, stdin=GOOD, env={"OSTINATO_BROKER_URL": url})
    assert "`ostinato up`" in finished.sentence(3, printed=words == ("status",))


def test_send_says_which_line_was_the_last_one(alone: Product) -> None:
    """So that the rest can be sent later."""
    said = alone.cli("send", "-", stdin=GOOD * 2).sentence(3)
    assert said.endswith("The lines before line 1 are sent; send the rest later.")


def test_lines_that_end_in_trouble_are_sent_before_it_is_said(embedded: Product) -> None:
    """The end of what could be read is not taken for the end of the input; exit code 2."""
    said = embedded.run(sys.executable, "-c", HUNG_UP, GOOD).sentence(2)
    assert "The lines after line 1 cannot be read: Input/output error. Those before are sent." == said
    with embedded.worker():
        embedded.wait_for(sightings=1)
