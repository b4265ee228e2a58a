"""The folder of the producers' outboxes: who owns which file, and how they look from outside."""

import os
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from ostinato.errors import OutboxUnavailable
from ostinato.outbox import inspection as outbox_inspection
from ostinato.outbox.file import Outbox
from ostinato.outbox.folder import abandoned, owner, paths, take
from ostinato.outbox.inspection import contents, states
from ostinato.sqlite_driver import sqlite_driver
from tests.unit.client.test_outbox import RUN, add, opened, waiting

FORK = """
import os, sys
from pathlib import Path
from threading import Event, Thread
from ostinato.outbox.file import Outbox

folder = Path(sys.argv[1])
outbox = Outbox(folder / "1.db")
outbox.add("a", "kind", "{}", limit=10**9)
within, forking, ended = Event(), Event(), []

def slowly(entries):
    within.set()
    forking.wait()
    for _ in range(10**6):
        pass
    ended.append("ended")
    return []

os.register_at_fork(before=forking.set)
thread = Thread(target=outbox.first, args=(slowly,))
thread.start()
within.wait()
child = os.fork()
if not child:
    Outbox(folder / "2.db").add("c", "kind", "{}", limit=10**9)
    os.write(1, b" ".join([*map(str.encode, ended), b"child "]))
    os._exit(0)
print(os.waitpid(child, 0)[1], end=" ")
thread.join()
outbox.add("b", "kind", "{}", limit=10**9)
print("parent", end="")
"""

# What finds no room for its process's number, and then some.
FULL_DISK = """
import resource, sys
from pathlib import Path
from ostinato.outbox.folder import abandoned, take

folder = Path(sys.argv[1])
take(folder).leave()
(folder / "1.db").touch()
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
print([place.path.name for place in abandoned(folder)], end=" ")
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
print([place.path.name for place in abandoned(folder)], end="")
"""

# What another user finds in the folder: a file whose process runs, which is not that user's, and room for a new one.
OTHER_USER = """
import os, sys
from pathlib import Path
from ostinato.errors import OutboxUnavailable
from ostinato.outbox.folder import abandoned, owner, take

own = os.getuid()
if not own:
    os.seteuid(65534)
folder = Path(sys.argv[1])
print(owner(folder / "1.db"), [place.path.name for place in abandoned(folder)], take(folder).path.name)
(folder / "closed").mkdir(mode=0o500)
try:
    take(folder / "closed")
except OutboxUnavailable as error:
    print(error)
os.seteuid(own)  # so that coverage can write its file
"""

# The lock has room, the outbox has none.
NO_ROOM = """
import resource, sys
from pathlib import Path
from ostinato.errors import OutboxUnavailable
from ostinato import Producer
from ostinato.settings.outbox import OutboxSettings

_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
try:
    Producer(OutboxSettings(home=Path(sys.argv[1])))
except OutboxUnavailable as error:
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    print(error)
"""


def test_files_are_shared_out(tmp_path: Path) -> None:
    """Each has one owner; one that was left is the next one's, and what has no owner is found."""
    first, second = take(tmp_path), take(tmp_path)
    for place in (first, second):
        Outbox(place.path).close()
    assert ["1.db", "2.db"] == [path.name for path in paths(tmp_path)]
    assert [os.getpid(), os.getpid()] == [owner(path) for path in paths(tmp_path)]
    assert [] == list(abandoned(tmp_path))
    first.leave()
    assert [first.path] == [place.path for place in abandoned(tmp_path)]
    assert [None, os.getpid()] == [state.process for state in states(tmp_path)]
    with take(tmp_path) as place:
        assert first.path == place.path
    second.leave()


def test_fork_waits_for_the_end_of_a_call(tmp_path: Path) -> None:
    """A child that has half of one could not use SQLite; its own outbox works, and the parent's goes on."""
    done = subprocess.run([sys.executable, "-c", FORK, str(tmp_path)], check=True, capture_output=True)
    assert b"ended child 0 parent" == done.stdout
    with opened(tmp_path) as outbox:
        assert ["a", "b"] == waiting(outbox)


def test_child_of_a_fork_owns_nothing(tmp_path: Path) -> None:
    """What its parent had is free when that has ended, however long the child lives."""
    said, saying = os.pipe()
    ended, ending = os.pipe()
    parent = os.fork()
    if not parent:
        take(tmp_path)
        if not os.fork():
            os.close(ending)
            os.write(saying, b"x")
            os.read(ended, 1)
        os._exit(0)
    assert (b"x", 0) == (os.read(said, 1), os.waitpid(parent, 0)[1])
    with take(tmp_path) as place:
        assert tmp_path / "1.db" == place.path
    os.close(ending)


def test_file_that_cannot_be_read_hides_no_other(tmp_path: Path) -> None:
    """Its state says what is wrong; a new file has nothing in it yet."""
    (tmp_path / "1.db").write_text("something else" * 100)
    with closing(sqlite_driver().connect(tmp_path / "2.db", isolation_level=None)) as later:
        later.execute("PRAGMA user_version=2")
    (tmp_path / "3.db").touch()
    with closing(Outbox(tmp_path / "4.db")) as outbox:
        add(outbox, "a")
        found = states(tmp_path)
    assert [0, 0, 0, 1] == [state.contents.waiting for state in found]
    assert ["not a database", "later version", "", ""] == [
        next((words for words in ("not a database", "later version") if words in (state.contents.problem or "")), "")
        for state in found
    ]


def test_folder_that_cannot_be_used_is_an_error(tmp_path: Path) -> None:
    """A sentence, and no traceback of the system's."""
    (tmp_path / "file").touch()
    with pytest.raises(OutboxUnavailable, match="cannot be used"):
        take(tmp_path / "file")


def test_no_process_owns_a_file_where_the_disk_was_full(tmp_path: Path) -> None:
    """As soon as there is room, its messages can be sent."""
    done = subprocess.run([sys.executable, "-c", FULL_DISK, str(tmp_path)], check=True, capture_output=True)
    assert b"[] ['1.db']" == done.stdout


def test_states_count_what_waits_and_what_is_kept(tmp_path: Path) -> None:
    """And since when."""
    with opened(tmp_path) as outbox:
        add(outbox, "a", "b", "c")
        outbox.forwarded(1, RUN)
        (state,) = contents(tmp_path)
        oldest = outbox.oldest()
    assert (2, 1) == (state.waiting, state.kept)
    assert state.oldest is not None
    assert oldest == pytest.approx(state.oldest.timestamp(), abs=1e-5)


def test_what_waits_is_counted_without_asking_for_a_file(tmp_path: Path) -> None:
    """Those that can be read; no lock is left, or even made."""
    (tmp_path / "1.db").write_text("something else" * 100)
    with closing(Outbox(tmp_path / "2.db")) as one, closing(Outbox(tmp_path / "3.db")) as other:
        add(one, "a", "b", "c")
        add(other, "d")
        one.forwarded(1, RUN)
        assert 3 == outbox_inspection.waiting(tmp_path)
    assert [] == list(tmp_path.glob("*.lock"))
    assert 0 == outbox_inspection.waiting(tmp_path / "missing")


def test_files_of_another_user_are_left_alone() -> None:
    """In a folder of several, each takes files of its own; one where it may make none is an error in a sentence."""
    with tempfile.TemporaryDirectory() as name, take(Path(name)) as place:
        place.path.touch()
        Path(name).chmod(0o777)
        place.path.with_suffix(".lock").chmod(0)
        done = subprocess.run([sys.executable, "-c", OTHER_USER, name], check=True, capture_output=True, text=True)
    refused = f"The outbox folder {name}/closed cannot be used: Permission denied."
    assert ["None [] 2.db", refused] == done.stdout.splitlines()


def test_a_new_file_that_has_no_room_is_an_error(tmp_path: Path) -> None:
    """At once, for the next new one would have none either."""
    done = subprocess.run([sys.executable, "-c", NO_ROOM, str(tmp_path)], check=True, capture_output=True, text=True)
    assert "outbox/1.db" in done.stdout
    assert ["1.lock"] == [path.name for path in (tmp_path / "outbox").glob("*.lock")]
