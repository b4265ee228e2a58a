"""An SQLite file that is moved away or replaced while a writer and a reader have it open."""

from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path

import pytest

from ostinato.messages.models import RecordPattern
from ostinato.sqlite_driver import sqlite_driver
from store.database.schema import migrate
from store.errors import StoreOutdated
from store.reading.store import Store
from store.writing.transaction import Writer
from tasks.receiver import Receiver
from tests.integration.store.bench import NOW


class Open:
    """A store with one message, which a writer and a reader have open."""

    def __init__(self, path: Path, writer: Writer, reader: Store) -> None:
        self.path, self.writer, self.reader = path, writer, reader
        self.away = path.parent / "away"
        self.receive()

    def receive(self, meanwhile: Callable[[], object] = bool) -> None:
        """Receive a message; ``meanwhile`` is called once the message waits for the store."""
        message = RecordPattern(pattern_type="T", pattern_name="n")
        Receiver(self.writer, lambda: NOW, lambda _: meanwhile() is None).receive(
            message.KIND, message.content(), str(message.id)
        )

    def move_away(self) -> None:
        """Move the file and its log into another folder."""
        self.away.mkdir()
        for each in list(self.path.parent.glob("store.db*")):
            each.rename(self.away / each.name)

    def put_back(self) -> None:
        """Move them back."""
        for each in list(self.away.iterdir()):
            each.rename(self.path.parent / each.name)

    def applied(self) -> int:
        """The number of messages in the store, as another program counts them."""
        with closing(sqlite_driver().connect(self.path)) as connection:
            (count,) = connection.execute("SELECT count(*) FROM inbox").fetchone()
            return int(count)


@pytest.fixture
def opened(tmp_path: Path) -> Generator[Open]:
    """A store in a folder of this test's own."""
    path = tmp_path / "store.db"
    migrate(f"sqlite:///{path}")
    with closing(Writer(f"sqlite:///{path}")) as writer, Store(f"sqlite:///{path}") as reader:
        opened = Open(path, writer, reader)
        assert 1 == reader.stats().applied
        yield opened


def test_a_message_waits_for_a_file_that_was_moved_away(opened: Open) -> None:
    """No file is created in its place; once it is back, the message is applied."""
    opened.move_away()
    with pytest.raises(StoreOutdated):
        opened.reader.stats()
    opened.receive(lambda: opened.path.exists() or opened.put_back())
    assert (2, 2) == (opened.applied(), opened.reader.stats().applied)


def test_a_new_file_in_its_place_is_the_store(opened: Open) -> None:
    """The next message is applied to the new file, not to the open one that was moved away."""
    opened.move_away()
    migrate(f"sqlite:///{opened.path}")
    assert 0 == opened.reader.stats().applied
    opened.receive()
    assert (1, 1) == (opened.applied(), opened.reader.stats().applied)


def test_a_message_waits_while_another_applications_file_is_in_its_place(opened: Open) -> None:
    """The other application's file stays as it is."""
    opened.move_away()
    with closing(sqlite_driver().connect(opened.path)) as connection:
        connection.execute("CREATE TABLE patterns (a)")
    before = opened.path.read_bytes()
    with pytest.raises(StoreOutdated):
        opened.reader.stats()

    def mend() -> None:
        assert before == opened.path.read_bytes()
        opened.path.unlink()
        opened.put_back()

    opened.receive(mend)
    assert (2, 2) == (opened.applied(), opened.reader.stats().applied)
