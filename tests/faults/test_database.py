"""D1: a PostgreSQL whose backends, or which itself, is killed, and connections to it that are cut around a commit."""

import signal
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import make_url

from tests.conftest import missing
from tests.faults.report import Record
from tests.faults.rig import Rig
from tests.forms import Scaled
from tests.servers import postgresql
from tests.servers.postgresql import OwnServer
from tests.servers.proxy import COMMIT, Fault, behind, to_postgresql
from tests.waiting import wait_until

BACKENDS, SERVERS, CUTS = 20, 10, 100
# The worker's connection, if it is at work, and that it is gone then; this one's own has another name.
TERMINATE = """
SELECT pg_terminate_backend(pid, 5000) AS gone
FROM pg_stat_activity WHERE application_name = 'ostinato' AND state <> 'idle'
"""


@pytest.fixture(scope="module")
def server() -> Generator[OwnServer]:
    """A server of these tests' own, which they may kill; without one, skipped, but failed in CI."""
    with postgresql.own_server() or missing(postgresql.MISSING) as server:
        yield server


@pytest.fixture
def on_postgresql(home: Path, seed: str, server: OwnServer) -> Generator[Rig]:
    """A broker, and an empty store at that server."""
    name = f"store_{uuid4().hex}"
    with closing(postgresql.connect(server.url)) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    with Rig(home, seed, store_url=server.url.set(database=name).render_as_string(hide_password=False)) as rig:
        yield rig


def test_a_backend_is_terminated(on_postgresql: Rig, record: Record, scaled: Scaled) -> None:
    """The worker connects again, and stays the same process; a hit is one that was at work."""
    rig = on_postgresql
    with rig.worker() as worker:
        with rig.load():
            for _ in rig.injecting(scaled(BACKENDS), scaled(BACKENDS)):
                rig.wait_for_applied(rig.random.randint(1, 100))
                rig.fault()
                ended = wait_until(lambda: rig.select(TERMINATE), why="the worker is at work")
                rig.hits += [True] == [each["gone"] for each in ended]
        verdict = rig.judge()
        assert None is worker.poll()
    record(rig.result("D1 PostgreSQL: backend terminated"))
    assert {} == verdict.defects


def test_kill_9_of_the_server(on_postgresql: Rig, server: OwnServer, record: Record, scaled: Scaled) -> None:
    """Or its immediate shutdown: it recovers from its log, and the worker goes on by itself."""
    rig = on_postgresql
    with rig.worker() as worker:
        with rig.load():
            for number in rig.injecting(scaled(SERVERS), scaled(SERVERS)):
                rig.wait_for_applied(rig.random.randint(1, 100))
                rig.fault()
                server.kill(signal.SIGQUIT if number % 2 else signal.SIGKILL)
                rig.hits += rig.waiting() > 0
                server.start()
        verdict = rig.judge()
        assert None is worker.poll()
    record(rig.result("D1 PostgreSQL: kill -9, immediate shutdown"))
    assert {} == verdict.defects


@pytest.mark.parametrize("fault", [Fault.LOST_REQUEST, Fault.LOST_REPLY])
def test_a_connection_is_cut_around_a_commit(
    on_postgresql: Rig, server: OwnServer, record: Record, scaled: Scaled, fault: Fault
) -> None:
    """Before it, or after it and before its answer: either way the message runs again, and the inbox decides."""
    rig = on_postgresql
    with (
        to_postgresql(server.url) as proxy,
        rig.worker(env={"OSTINATO_STORE_URL": behind(proxy, make_url(rig.store))}) as worker,
    ):
        # Each message of a transaction that was cut is tried alone: with many of them, that takes most of the time.
        with rig.load(backlog=20):
            for number in range(scaled(CUTS)):
                # Otherwise the next would meet the same message again, which waits longer every time.
                rig.wait_for_applied(rig.random.randint(1, 20))
                rig.fault()
                proxy.inject(fault, COMMIT)
                wait_until(lambda hits=number: proxy.hits[fault] > hits, why="a commit is cut")
        verdict = rig.judge()
        assert None is worker.poll()
    when = "before" if fault is Fault.LOST_REQUEST else "after"
    record(rig.result(f"D1 PostgreSQL: cut {when} the commit", proxy.hits[fault]))
    assert {} == verdict.defects
    assert scaled(CUTS) == proxy.hits[fault]
