"""`ostinato report`, as a process: what it writes, and that a program that reads the file finds a whole page."""

import sys
from collections.abc import Generator
from datetime import UTC, datetime

import pytest

from tests.product import Product
from tests.samples.lived import live


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Generator[Product]:
    """A store with the sample, spread over 60 days; neither a worker nor a broker runs."""
    with Product(tmp_path_factory.mktemp("h")) as product:
        live(product.settings.store_address, upto=datetime.now(UTC))
        yield product


def test_it_writes_a_page(lived: Product) -> None:
    """It has the number of patterns asked for, in the order of the ranking, and the ledger."""
    file = lived.elsewhere / "report.html"
    assert (0, "", f"wrote {file}\n") == lived.cli("report", str(file), "--limit", "7")
    text = file.read_text(encoding="utf-8")
    places = [text.index(each.pattern_name) for each in lived.store.patterns(limit=7)]
    assert sorted(places) == places
    assert (7, 7) == (text.count('<article id="pattern-'), text.count('class="spark"'))
    for said in ("4,165 applied", "12 parked", "4 quarantined", "not_json", "Every message that came to the store"):
        assert said in text
    assert "the time is no longer known" not in text


def test_it_replaces_what_is_there(lived: Product) -> None:
    """At once, also through a link; the file keeps its mode, and nothing is left beside it."""
    folder = lived.elsewhere / "web"
    folder.mkdir()
    page, link = folder / "page.html", folder / "link.html"
    page.write_text("old")
    page.chmod(0o640)
    link.symlink_to(page)
    with page.open() as reader:
        assert 0 == lived.cli("report", str(link), "--limit", "1").code
        assert "old" == reader.read()
    assert (True, 0o640) == (page.read_text().endswith("</html>"), page.stat().st_mode & 0o777)
    assert ["link.html", "page.html"] == sorted(each.name for each in folder.iterdir())


def test_a_name_may_be_as_long_as_names_can_be(lived: Product) -> None:
    """The limit is in bytes, and a letter may have four."""
    file = lived.elsewhere / f"{'🎼' * 62}ä.html"
    assert 255 == len(file.name.encode())
    assert 0 == lived.cli("report", str(file), "--limit", "1").code
    assert file.read_text(encoding="utf-8").endswith("</html>")


def test_it_goes_to_standard_output(lived: Product) -> None:
    """Nothing else does."""
    code, out, err = lived.cli("report", "-")
    assert (0, "") == (code, err)
    assert out.startswith("<!doctype html>")
    assert out.endswith("</html>")


def test_it_goes_to_a_pipe_without_a_name(lived: Product) -> None:
    """A shell makes one of `>(gzip > report.html.gz)`."""
    code, out, err = lived.run("sh", "-c", '"$0" -m worker.cli report /dev/stdout | cat', sys.executable)
    assert (0, "wrote /dev/stdout\n") == (code, err)
    assert out.endswith("</html>")


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("missing/report.html", "No such file or directory"),
        (".", "Is a directory"),
        ("/", "Is a directory"),
        ("file/report.html", "Not a directory"),
        ("/dev/full", "No space left on device"),
    ],
)
def test_a_file_that_cannot_be_written(lived: Product, file: str, reason: str) -> None:
    """The error names it and the reason; the exit code is 2, and nothing is left."""
    (lived.elsewhere / "file").write_text("kept")
    before = sorted(lived.elsewhere.rglob("*"))
    assert (2, "", f"{file} cannot be written: {reason}.\n") == lived.cli("report", file)
    assert before == sorted(lived.elsewhere.rglob("*"))
    assert "kept" == (lived.elsewhere / "file").read_text()


@pytest.mark.long
def test_it_says_that_history_was_pruned(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The page says how many sightings and applications have no known time."""
    with Product(tmp_path_factory.mktemp("h")) as product:
        live(product.settings.store_address, upto=datetime.now(UTC))
        assert 0 == product.cli("prune", "--older-than", "1s").code
        assert "the time is no longer known" in product.cli("report", "-").out


def test_without_a_store(alone: Product) -> None:
    """One sentence, exit code 4, and no file."""
    file = alone.elsewhere / "report.html"
    assert 4 == alone.cli("report", str(file)).code
    assert not file.exists()
