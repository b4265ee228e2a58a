"""D4: a disk that is full and has room again, a store that another program has locked, and a reader that takes long."""

import resource
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from sqlalchemy import make_url

from ostinato.messages.models import ApplyBatch, RecordPattern
from store.database.sqlite import LOG_BYTES
from tests.faults.report import Record
from tests.faults.rig import Rig
from tests.forms import Scaled
from tests.waiting import wait_until
from worker.processes.child import Child

FULL = 5
# The first is longer than every limit that the product has for waiting.
LOCKED_SECONDS = (30.0, 0.5, 1.0, 1.5, 2.0)
# No file of the worker may be larger while its disk is full: more than its log has, less than the store's.
ROOM = 1_000_000
WRITES, BATCH, NAMES = 20_000, 500, 300


def store_file(rig: Rig) -> Path:
    """The store's file; beside it lies its write-ahead log."""
    return Path(str(make_url(rig.store).database))


def wal_bytes(rig: Rig) -> int:
    """The size of the write-ahead log."""
    return store_file(rig).with_name("store.db-wal").stat().st_size


def limit(worker: Child, most: int) -> None:
    """Let the worker's files be no larger than this many bytes."""
    resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))


def test_the_disk_is_full(rig: Rig, record: Record, scaled: Scaled) -> None:
    """The worker waits for room, and goes on by itself, as the same process."""
    with rig.worker() as worker:
        with rig.load():
            for _ in range(scaled(FULL)):
                rig.wait_for_applied(rig.random.randint(1, 150))
                before = rig.waits()
                limit(worker, ROOM)
                wait_until(lambda said=before: rig.waits() > said, why="the worker waits for room")
                rig.fault()
                limit(worker, resource.RLIM_INFINITY)
        verdict = rig.judge()
        assert None is worker.poll()
    record(rig.result("D4 SQLite: disk full", len(rig.faults)))
    assert {} == verdict.defects


def test_another_program_has_locked_the_store(rig: Rig, record: Record, scaled: Scaled) -> None:
    """However long it takes, the worker goes on by itself; a hit is a lock that it met."""
    with rig.worker() as worker, closing(sqlite3.connect(store_file(rig), isolation_level=None)) as other:
        with rig.load():
            for seconds in LOCKED_SECONDS[: scaled(len(LOCKED_SECONDS))]:
                rig.wait_for_applied(rig.random.randint(1, 150))
                other.execute("BEGIN IMMEDIATE")
                [applied] = other.execute("SELECT max(seq) FROM inbox").fetchall()
                time.sleep(seconds)
                assert [applied] == other.execute("SELECT max(seq) FROM inbox").fetchall()
                rig.fault()
                other.execute("ROLLBACK")
                rig.wait_for_applied(1)
        verdict = rig.judge()
        assert None is worker.poll()
    record(rig.result("D4 SQLite: locked by another program", len(rig.faults)))
    assert {} == verdict.defects


def test_a_reader_takes_long(rig: Rig, record: Record) -> None:
    """It holds up no worker; the log, which grows meanwhile, is short again soon after it has ended."""
    with rig.worker() as worker, closing(sqlite3.connect(store_file(rig), isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM inbox")
        for _ in range(4):
            write(rig, WRITES // 4)
        assert WRITES == rig.applied()
        assert [(0,)] == reader.execute("SELECT count(*) FROM inbox").fetchall()
        grown = wal_bytes(rig)
        rig.fault()
        reader.execute("ROLLBACK")
        write(rig, WRITES // 10)
        verdict = rig.judge()
        assert wal_bytes(rig) <= LOG_BYTES < grown
        assert None is worker.poll()
    record(rig.result("D4 SQLite: long reader", 1))
    assert {} == verdict.defects


def write(rig: Rig, count: int) -> None:
    """Have this many sightings applied."""
    for _ in range(count // BATCH):
        names = [f"read {rig.random.randrange(NAMES)}" for _ in range(BATCH)]
        sightings = [RecordPattern(pattern_type="test", pattern_name=name, description=name * 20) for name in names]
        rig.send_all(ApplyBatch(messages=sightings))
    assert rig.settle()
