"""Reading the predecessor's file: as it is at one moment, and without a trace."""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import count
from pathlib import Path
from threading import Event, Thread

import pytest

from ostinato.errors import ConfigurationError
from tests.samples.predecessor import PATTERN, Predecessor
from worker.cli.import_sqlite.source import APPLICATIONS, PATTERNS, opened


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Predecessor]:
    """A database with one pattern and one application, in a folder of its own with a name that URLs do not like."""
    folder = tmp_path / "a?b#c%20d"
    folder.mkdir()
    old = Predecessor(folder / "learning.db")
    old.patterns({})
    old.applications({})
    yield old
    folder.chmod(0o700)


def state(path: Path) -> Sequence[tuple[str, int, bytes]]:
    """Every file of the folder: its name, when it was written to, and what is in it."""
    return sorted((each.name, each.stat().st_mtime_ns, each.read_bytes()) for each in path.parent.iterdir())


def test_a_database_at_rest_is_left_without_a_trace(old: Predecessor) -> None:
    """Not even the log that SQLite makes for one in WAL mode."""
    before = state(old.path)
    with opened(old.path) as source:
        assert (15, 1, 1) == (source.version(), source.count(PATTERNS), source.count(APPLICATIONS))
        assert [PATTERN["id"]] == [row["id"] for row in source.rows(PATTERNS)]
    assert ["learning.db"] == [name for name, _, _ in before]
    assert before == state(old.path)


def test_a_database_in_use_is_read_with_its_log(old: Predecessor) -> None:
    """And neither it nor its log is written to; the index of the log has the readers' marks."""
    with closing(sqlite3.connect(old.path)) as connection:
        connection.execute("UPDATE patterns SET occurrence_count = 7")
        connection.commit()
        before = [each for each in state(old.path) if not each[0].endswith("-shm")]
        with opened(old.path) as source:
            assert [7] == [row["occurrence_count"] for row in source.rows(PATTERNS)]
            connection.execute("UPDATE patterns SET occurrence_count = 8")
        assert before == [each for each in state(old.path) if not each[0].endswith("-shm")]


def test_it_can_be_written_to_while_it_is_imported(old: Predecessor) -> None:
    """What is read is what was there at the beginning, and no lock is held, whatever its mode."""
    old.sql("PRAGMA journal_mode=DELETE")
    with opened(old.path) as source:
        old.sql("DELETE FROM patterns")
        assert 1 == source.count(PATTERNS)
    with opened(old.path) as source:
        assert 0 == source.count(PATTERNS)


def test_a_database_that_cannot_be_written_to_is_read(old: Predecessor) -> None:
    """In a folder that cannot be written to either."""
    old.path.chmod(0o400)
    old.path.parent.chmod(0o500)
    with opened(old.path) as source:
        assert 1 == source.count(PATTERNS)


def test_text_that_is_no_utf8_is_read(old: Predecessor) -> None:
    """Its bytes as surrogates, which are mended later."""
    old.sql("UPDATE patterns SET description = CAST(x'61ff62' AS TEXT)")
    with opened(old.path) as source:
        assert ["a\udcffb"] == [row["description"] for row in source.rows(PATTERNS)]


def test_a_database_that_does_not_say_its_version_is_read(old: Predecessor) -> None:
    """Its columns say what it has."""
    old.sql("DROP TABLE schema_version")
    with opened(old.path) as source:
        assert (None, 1) == (source.version(), source.count(PATTERNS))


def refusal(path: Path) -> str:
    """What is said of a file that cannot be imported."""
    with pytest.raises(ConfigurationError) as error, opened(path):
        pass
    return str(error.value)


def test_what_is_no_predecessors_database_is_one_sentence(tmp_path: Path) -> None:
    """That says what it is instead, if anything."""
    for name, content in (("text", b"hello"), ("empty", b""), ("broken", b"SQLite format 3\0" + b"x" * 4096)):
        (tmp_path / name).write_bytes(content)
    with closing(sqlite3.connect(tmp_path / "other")) as connection:
        connection.execute("CREATE TABLE patterns (id)")

    assert f"{tmp_path}/none cannot be read: No such file or directory." == refusal(tmp_path / "none")
    assert f"{tmp_path} cannot be read: Is a directory." == refusal(tmp_path)
    assert f"{tmp_path}/text is no SQLite database." == refusal(tmp_path / "text")
    assert f"{tmp_path}/empty is no SQLite database." == refusal(tmp_path / "empty")
    assert f"{tmp_path}/broken cannot be read: file is not a database." == refusal(tmp_path / "broken")
    expected = "is no learning database of the predecessor: it has no table pattern_applications."
    assert f"{tmp_path}/other {expected}" == refusal(tmp_path / "other")


def test_a_database_with_lost_pages_is_one_sentence(old: Predecessor) -> None:
    """Also where that shows in the middle of reading."""
    old.patterns(*({"id": f"{number:016x}", "description": "x" * 1000} for number in range(100)))
    os.truncate(old.path, old.path.stat().st_size // 2)
    malformed = "cannot be read: database disk image is malformed"
    with pytest.raises(ConfigurationError, match=malformed), opened(old.path) as source:
        list(source.rows(PATTERNS))


def test_a_database_that_is_written_to_without_a_log_is_not_half_read(old: Predecessor) -> None:
    """What is read as an unchanging file must not have changed meanwhile; once it rests, it can be read."""
    old.patterns(*({"id": f"{number:016x}", "description": "x" * 1000} for number in range(10_000)))
    began, enough = Event(), Event()

    def write() -> None:
        for moment in count():
            os.utime(old.path, ns=(moment, moment))
            began.set()
            if enough.is_set():
                return

    writer = Thread(target=write)
    writer.start()
    began.wait()
    try:
        assert f"{old.path} was written to while it was read: run the command again." == refusal(old.path)
    finally:
        enough.set()
        writer.join()
    with opened(old.path) as source:
        assert 10_001 == source.count(PATTERNS)
