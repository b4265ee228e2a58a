"""The command line where standard output is not in UTF-8."""

import json
import sys
from collections.abc import Generator

import pytest

from ostinato.identity import pattern_id
from ostinato.messages.models import RecordPattern
from store.database.schema import migrate
from tests.product import Product
from tests.servers.brokers import EmbeddedValkey

NAME = "naïve ✓ 🧨"
ESCAPED = {"latin-1": "naïve \\u2713 \\ud83e\\udde8", "ascii": "na\\u00efve \\u2713 \\ud83e\\udde8"}


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Generator[Product]:
    """One pattern in a store; its name came through a standard input in ASCII."""
    home = tmp_path_factory.mktemp("h")
    with EmbeddedValkey(home), Product(home) as product:
        migrate(product.settings.store_address)
        line = RecordPattern(pattern_type="T", pattern_name=NAME).content()
        assert 0 == product.cli("send", "-", stdin=line, env={"PYTHONIOENCODING": "ascii"}).code
        with product.worker():
            product.wait_for(applied=1)
        yield product


def written(product: Product, encoding: str, *words: str) -> bytes:
    """What a command writes where standard output is a file in this encoding."""
    file = product.home / "written"
    command = 'exec "$@" >"$0"'
    env = {"PYTHONIOENCODING": encoding, "COLUMNS": "200"}
    done = product.run("sh", "-c", command, str(file), sys.executable, "-m", "worker.cli", *words, env=env)
    assert (0, "") == (done.code, done.err)
    return file.read_bytes()


@pytest.mark.parametrize("encoding", ESCAPED)
@pytest.mark.parametrize(
    "words", [["patterns", "list"], ["patterns", "show", pattern_id("T", NAME)], ["top", "--once"]]
)
def test_what_it_lacks_is_escaped(product: Product, encoding: str, words: list[str]) -> None:
    """Tables are printed whole."""
    assert ESCAPED[encoding] in written(product, encoding, *words).decode(encoding)


@pytest.mark.parametrize("encoding", ESCAPED)
def test_json_stays_json(product: Product, encoding: str) -> None:
    """Programs read the same; in UTF-8, as JSON has it, where the output is said to be in ASCII."""
    said = written(product, encoding, "patterns", "list", "--json")
    [found] = json.loads(said.decode("utf-8" if encoding == "ascii" else encoding))
    assert NAME == found["pattern_name"]
