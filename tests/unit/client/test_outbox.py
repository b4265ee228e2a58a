"""The file of a producer's outbox: what is in it stays until the broker has it, and it stays within its bounds."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterable
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from ostinato.errors import OutboxFull, OutboxUnavailable
from ostinato.outbox.file import Entry, Outbox
from ostinato.outbox.folder import take
from ostinato.outbox.inspection import forwarded, last_forwarded
from ostinato.sqlite_driver import sqlite_driver

LIMIT = 1_000_000
RUN = "first"
LONG = "x" * 10_000

FULL_DISK = """
import resource, sys
from pathlib import Path
from ostinato.errors import OutboxUnavailable
from ostinato.outbox.file import Outbox

outbox = Outbox(Path(sys.argv[1]))
outbox.add("a", "kind", "{}", limit=10**9)
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
try:
    outbox.add("b", "kind", "x" * 200_000, limit=10**9)
except OutboxUnavailable:
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    outbox.add("c", "kind", "x" * 200_000, limit=10**9)
    print("a not-b c", end="")
"""


BROKEN_OFF = """
import signal, sys
from pathlib import Path
from ostinato.outbox.file import Outbox

class SoftTimeLimit(Exception):
    pass

def exceeded(*_):
    raise SoftTimeLimit

outbox = Outbox(Path(sys.argv[1]))
broken_off = taken = 0
signal.signal(signal.SIGALRM, exceeded)
for number in range(300):
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.0005)
        while True:
            outbox.add(str(number), "kind", "{}", limit=10**9)
            taken += 1
    except SoftTimeLimit:
        broken_off += 1
print(broken_off, taken)
"""


def at_most(count: int) -> Callable[[Iterable[Entry]], list[Entry]]:
    """Takes at most ``count`` of the messages that wait."""
    return lambda entries: list(islice(entries, count))


def add(outbox: Outbox, *names: str, text: str = "{}") -> None:
    """Add messages with these ids."""
    for name in names:
        outbox.add(name, "record_pattern", text, limit=LIMIT)


def waiting(outbox: Outbox) -> list[str]:
    """The ids of all that wait."""
    return [entry.id for entry in outbox.first(list)]


def writing_from_outside(folder: Path) -> closing[Any]:
    """A second connection to it, which makes the first one's writes fail."""
    return closing(sqlite_driver().connect(folder / "1.db", isolation_level=None))


def opened(folder: Path) -> closing[Outbox]:
    """The file of these tests."""
    return closing(Outbox(folder / "1.db"))


def test_messages_wait_in_the_order_of_adding(tmp_path: Path) -> None:
    """Until they are noted as forwarded, also when the file is opened again."""
    with opened(tmp_path) as outbox:
        add(outbox, "a", "b", "c")
        assert [Entry(1, "a", "record_pattern", "{}"), Entry(2, "b", "record_pattern", "{}")] == outbox.first(
            at_most(2)
        )
        outbox.forwarded(2, RUN)
        assert (1, ["c"]) == (outbox.waiting, waiting(outbox))
    with opened(tmp_path) as outbox:
        add(outbox, "d")
        assert (2, ["c", "d"]) == (outbox.waiting, waiting(outbox))


def test_no_message_takes_the_place_of_one_that_was_forwarded(tmp_path: Path) -> None:
    """Also where nothing is kept and the file is opened again, what is added waits."""
    with opened(tmp_path) as outbox:
        add(outbox, "a", "b")
        outbox.forwarded(2, RUN)
        outbox.tidy(keep=0)
    with opened(tmp_path) as outbox:
        add(outbox, "c")
        assert (1, ["c"]) == (outbox.waiting, waiting(outbox))


def test_what_was_forwarded_is_kept_for_a_while(tmp_path: Path) -> None:
    """It can be read from outside until its time is over; what waits stays for however long."""
    with opened(tmp_path) as outbox:
        add(outbox, "a", "b", "c")
        outbox.forwarded(2, RUN)
        outbox.tidy(keep=3600)
        kept = [[[entry.id for entry in page] for page in forwarded(tmp_path / "1.db", upto)] for upto in (0, 1, 3)]
        assert [[], [["a"]], [["a", "b"]]] == kept
        assert 2 == last_forwarded(tmp_path / "1.db")
        outbox.tidy(keep=0)
        assert [] == list(forwarded(tmp_path / "1.db", 2))
        assert ["c"] == waiting(outbox)


def test_what_was_forwarded_one_by_one_is_cleared_away(tmp_path: Path) -> None:
    """Some of it each time, and in the end all whose time is over, however much is to be kept."""
    with opened(tmp_path) as outbox, writing_from_outside(tmp_path) as other:
        for number in range(1, 1_801):
            add(outbox, f"{number}")
            outbox.forwarded(number, RUN)
        other.execute("UPDATE forwarded SET at = at + 7200 WHERE upto > 1200")
        left: list[int] = []
        for _ in range(3):
            outbox.tidy(keep=0)
            left.append(sum(map(len, forwarded(tmp_path / "1.db", 1_800))))
        assert [1_300, 800, 600] == left


def test_full_outbox_takes_no_more(tmp_path: Path) -> None:
    """The error says what to do; what was taken before is all there, and room makes it take messages again."""
    with opened(tmp_path) as outbox:
        names = [str(number) for number in range(1000)]
        with pytest.raises(OutboxFull, match="OSTINATO_OUTBOX_BYTES"):
            add(outbox, *names, text=LONG)
        count = outbox.waiting
        assert names[:count] == waiting(outbox)
        outbox.forwarded(count, RUN)
        add(outbox, "one more", text=LONG)
        assert ["one more"] == waiting(outbox)
    assert LIMIT * 0.9 < count * len(LONG) <= LIMIT


def test_what_the_broker_has_makes_way(tmp_path: Path) -> None:
    """Many times the limit pass through, and neither the file nor its log outgrows its bound."""
    with opened(tmp_path) as outbox:
        for number in range(2000):
            add(outbox, str(number), text=LONG)
            outbox.forwarded(outbox.last, RUN)
            if number % 100 == 0:
                outbox.tidy(keep=3600)
            log = tmp_path / "1.db-wal"
            assert (tmp_path / "1.db").stat().st_size + log.stat().st_size < LIMIT + (8 << 20)


def test_full_disk_is_an_error_of_the_call(tmp_path: Path) -> None:
    """The message is not taken, the others stay, and the next one is taken once there is room."""
    done = subprocess.run([sys.executable, "-c", FULL_DISK, str(tmp_path / "1.db")], check=True, capture_output=True)
    assert b"a not-b c" == done.stdout
    with opened(tmp_path) as outbox:
        assert ["a", "c"] == waiting(outbox)


def test_what_a_broker_took_in_its_last_seconds_waits_again(tmp_path: Path) -> None:
    """If it was restarted; what is older stays where it is, also if the file was opened again in between."""
    with opened(tmp_path) as outbox:
        add(outbox, "a", "b", "c")
        assert 0 == outbox.meets(RUN, lost=3600)
        outbox.forwarded(2, RUN)
        assert (0, 0) == (outbox.meets(RUN, lost=3600), outbox.meets(None, lost=3600))
        assert 0 == outbox.meets("second", lost=0)
        outbox.forwarded(3, "second")
    with opened(tmp_path) as outbox:
        assert (3, ["a", "b", "c"]) == (outbox.meets("third", lost=3600), waiting(outbox))
        assert 0 == outbox.meets("third", lost=3600)
        outbox.forwarded(3, "third")
        outbox.tidy(keep=0)
        assert (0, 0) == (outbox.meets("fourth", lost=3600), outbox.waiting)
        add(outbox, "d")
        assert ["d"] == waiting(outbox)


def test_what_was_taken_last_waits_again_though_the_clock_was_set_back(tmp_path: Path) -> None:
    """Before that, it was noted at a time that has yet to come."""
    with opened(tmp_path) as outbox, writing_from_outside(tmp_path) as other:
        add(outbox, "a", "b")
        outbox.forwarded(1, RUN)
        other.execute("UPDATE forwarded SET at = at + 7200")
        outbox.forwarded(2, RUN)
        assert (2, ["a", "b"]) == (outbox.meets("second", lost=5), waiting(outbox))


def test_take_back_that_failed_is_made_up_for(tmp_path: Path) -> None:
    """The next attempt takes back what the first one could not."""
    with opened(tmp_path) as outbox, writing_from_outside(tmp_path) as other:
        add(outbox, "a", "b")
        outbox.forwarded(2, RUN)
        other.execute("CREATE TRIGGER full BEFORE DELETE ON forwarded BEGIN SELECT raise(ABORT, 'no room'); END")
        with pytest.raises(OutboxUnavailable, match="no room"):
            outbox.meets("second", lost=3600)
        other.execute("DROP TRIGGER full")
        assert (2, ["a", "b"]) == (outbox.meets("second", lost=3600), waiting(outbox))


def test_what_cannot_be_noted_is_not_sent_again_at_once(tmp_path: Path) -> None:
    """A full disk does not make a process send the same messages for ever; the next process sends them once more."""
    with opened(tmp_path) as outbox, writing_from_outside(tmp_path) as other:
        add(outbox, "a", "b")
        other.execute("CREATE TRIGGER full BEFORE INSERT ON forwarded BEGIN SELECT raise(ABORT, 'no room'); END")
        with pytest.raises(OutboxUnavailable, match="no room"):
            outbox.forwarded(1, RUN)
        assert ["b"] == waiting(outbox)
        other.execute("DROP TRIGGER full")
    with opened(tmp_path) as outbox:
        assert ["a", "b"] == waiting(outbox)


def test_call_that_a_signal_broke_off_spoils_none(tmp_path: Path) -> None:
    """An exception out of a signal's handler, such as Celery's soft time limit: each later message is taken."""
    done = subprocess.run([sys.executable, "-c", BROKEN_OFF, str(tmp_path / "1.db")], check=True, capture_output=True)
    broken_off, taken = map(int, done.stdout.split())
    assert broken_off > 0
    with opened(tmp_path) as outbox:
        assert 0 <= outbox.waiting - taken <= broken_off


def test_no_other_user_may_read_the_files(tmp_path: Path) -> None:
    """Also in a folder that others may look into."""
    tmp_path.chmod(0o755)
    with take(tmp_path) as place, closing(Outbox(place.path)) as outbox:
        add(outbox, "a")
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert dict.fromkeys(["1.db", "1.db-shm", "1.db-wal", "1.lock"], 0o600) == modes


def test_file_that_is_no_outbox_is_refused(tmp_path: Path) -> None:
    """Nothing is written over it."""
    (tmp_path / "1.db").write_text("something else" * 100)
    with pytest.raises(OutboxUnavailable, match="not a database"):
        Outbox(tmp_path / "1.db")
    assert (tmp_path / "1.db").read_text().startswith("something else")


def test_file_of_a_later_version_is_refused(tmp_path: Path) -> None:
    """Its messages may be written in a way that this version does not know."""
    with closing(sqlite3.connect(tmp_path / "1.db", isolation_level=None)) as other:
        other.execute("PRAGMA user_version=2")
    with pytest.raises(OutboxUnavailable, match="later version"):
        Outbox(tmp_path / "1.db")
