"""The broker's users of the page on security: each can do its part on real servers, and nothing else."""

import os
import signal
import sqlite3
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from typing import Any

import pytest
from celery.platforms import EX_FAILURE
from redis.exceptions import NoPermissionError, ResponseError

from ostinato import Producer
from ostinato.errors import BrokerUnavailable
from ostinato.messages.models import RecordPattern
from ostinato.messages.routing import QUEUE, queue_of
from ostinato.settings.broker import BrokerSettings
from ostinato.settings.outbox import OutboxSettings
from store.database.schema import migrate
from tests.conftest import missing
from tests.product import Product
from tests.readers.dashboard import Dashboard
from tests.servers.brokers import IN_TURN, free_port, program
from tests.servers.guarded import GuardedServer
from tests.waiting import LONGEST, ended, wait_until
from worker.broker.redis.client import RedisClient, redis_client
from worker.broker.redis.taken import Taken

DELAY = """
from ostinato import record_pattern
record_pattern.delay(pattern_type="test", pattern_name="by delay")
"""
REFUSED_DELAY = """
from ostinato.errors import BrokerUnavailable
from ostinato import record_pattern
try:
    record_pattern.delay(pattern_type="test", pattern_name="refused")
except BrokerUnavailable as error:
    print(error)
"""
LINE = '{"kind": "record_pattern", "pattern_type": "test", "pattern_name": "refused"}\n'
FLOWER = ("--address=127.0.0.1", "--basic_auth=u:p", "--read_only", "--inspect_timeout=1")

# What only the admin may do: the server, its users, its scripts, all keys at once, other keys, other channels,
# and reading or changing a message.
OF_ADMIN = (
    "CONFIG GET *|CONFIG SET maxmemory 1|FLUSHALL|FLUSHDB|KEYS *|SCAN 0|SHUTDOWN NOSAVE|ACL LIST|ACL GETUSER admin",
    "ACL SETUSER producer allkeys|MONITOR|CLIENT LIST|CLIENT KILL TYPE normal|SCRIPT FLUSH|REPLICAOF NO ONE|SAVE",
    "BGREWRITEAOF|SLOWLOG GET|SWAPDB 0 1|RANDOMKEY|GET other|SET other 1|DEL other|LPUSH other 1",
    "SUBSCRIBE other|PSUBSCRIBE *|PUBLISH other 1|SORT ostinato|DUMP ostinato|COPY ostinato other|UNLINK ostinato",
    "RENAME ostinato other|EXPIRE ostinato 1|LRANGE ostinato 0 -1|LINDEX ostinato 0|LSET ostinato 0 x|RPOP ostinato",
    "LTRIM ostinato 1 0|BRPOP ostinato 1|DEL ostinato|SET ostinato 1|GET ostinato|EVAL x 1 other",
)
OF_WORKER = (
    "EVAL x 1 ostinato|LREM ostinato 0 x|LMOVE ostinato ostinato.taken.x RIGHT LEFT|RPUSH ostinato x",
    "BLMOVE ostinato ostinato.taken.x RIGHT LEFT 1|ZADD ostinato.workers 1 x|ZADD ostinato:worker 1 x",
)
OF_PRODUCER = ("LPUSH ostinato x|SADD _kombu.binding.ostinato x",)
OF_READER = (
    "ZRANGE ostinato.workers 0 -1|ZRANGEBYSCORE ostinato:worker 0 1|LLEN ostinato.taken.x|EXISTS ostinato.lane1",
)
OF_BEAT = ("ZADD ostinato:beat 1 x|EVAL x 1 ostinato:beat",)
EVENT = "PUBLISH /0.celeryev/worker.online x"
OF_NO_WORKER = "LLEN other|LMOVE ostinato other LEFT LEFT|SUBSCRIBE /0.celeryev/worker.online|INFO"
FORBIDDEN = {
    "producer": (*OF_ADMIN, *OF_WORKER, *OF_READER, *OF_BEAT, EVENT),
    "beat": (*OF_ADMIN, *OF_WORKER, *OF_READER, EVENT, "INFO"),
    "worker": (*OF_ADMIN, *OF_BEAT, OF_NO_WORKER),
    "reader": (*OF_ADMIN, *OF_WORKER, *OF_PRODUCER, *OF_BEAT, EVENT, "LLEN other"),
    "flower": (*OF_ADMIN, *OF_WORKER, *OF_PRODUCER, *OF_READER, *OF_BEAT, "INFO"),
}


@pytest.fixture(scope="module", params=IN_TURN)
def guarded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[GuardedServer]:
    """A server of each kind in turn with the users of the page."""
    binary = program(request.param) or missing("there is no redis-server of the test's own: install one")
    with GuardedServer(binary, tmp_path_factory.mktemp("h")) as server:
        yield server


@pytest.fixture
def product(guarded: GuardedServer, tmp_path_factory: pytest.TempPathFactory) -> Generator[Product]:
    """The product with an empty broker; this side of it, and what is not told otherwise, is the producer."""
    guarded.client("admin").flushdb()
    with Product(tmp_path_factory.mktemp("h"), guarded.of("producer")) as product:
        migrate(product.settings.store_address)
        yield product


def as_user(guarded: GuardedServer, user: str) -> Mapping[str, str]:
    """The environment of a process of this user."""
    return {"OSTINATO_BROKER_URL": guarded.of(user)}


def refused(guarded: GuardedServer) -> set[str]:
    """What the server has refused to whom since the last time it was asked."""
    with closing(guarded.client("admin")) as admin:
        found: Sequence[Mapping[str, str]] = admin.acl_log()
        admin.acl_log_reset()
    # Clients try it on servers that know it, and go on without.
    return {f"{each['username']} {each['object']}" for each in found} - {f"{u} client|setinfo" for u in FORBIDDEN}


def test_each_part_does_its_work_as_its_own_user(guarded: GuardedServer, product: Product) -> None:
    """A message is sent from Python, by `delay`, an outbox and beat, applied by the worker, counted by the reader."""
    refused(guarded)
    with Producer(product.settings) as producer:
        producer.record_pattern(pattern_type="test", pattern_name="by an outbox")
    product.send(RecordPattern(pattern_type="test", pattern_name="by publish"))
    assert (0, "", "") == product.run(sys.executable, "-c", DELAY)
    assert (0, "sent 1, bad 0\n") == product.cli("send", "-", stdin=LINE)[:2]
    with product.worker(env=as_user(guarded, "worker")) as worker, product.beat(env=as_user(guarded, "beat")) as beat:
        product.wait_for(applied=5)
        status = ("reader", "status", "--json"), ("worker", "status", "--json")
        health = ("reader", "worker"), ("reader", "beat"), ("reader", "broker"), ("worker", "worker"), ("beat", "beat")
        for user, *words in (*status, *((user, "health", part) for user, part in health)):
            finished = product.cli(*words, env=as_user(guarded, user))
            assert (0, "") == (finished.code, finished.err), (user, words)
        assert (0, 0) == (beat.stop(), worker.stop())
    assert set() == refused(guarded)


def test_the_rights_are_for_lanes_too(guarded: GuardedServer, product: Product) -> None:
    """What producers spread over lanes is counted by the reader, and taken over by the worker of the only one."""
    refused(guarded)
    lines = "".join(LINE.replace("refused", f"case {number}") for number in range(20))
    spread = {"OSTINATO_LANES": "4"}
    assert (0, "sent 20, bad 0\n") == product.cli("send", "-", stdin=lines, env=spread)[:2]
    assert (0, "", "") == product.run(sys.executable, "-c", DELAY, env=spread)
    facts = product.cli("status", "--json", env=as_user(guarded, "reader")).json()
    assert (5, "0 1 2 3") == (facts["queued"], facts["lanes_without_worker"])
    with product.worker(env=as_user(guarded, "worker")) as worker:
        product.wait_for(applied=21)
        assert 0 == worker.stop()
    assert set() == refused(guarded)


def test_the_worker_recovers_what_a_killed_one_had_taken(guarded: GuardedServer, product: Product) -> None:
    """The rights suffice for the message of a dead worker too."""
    env = as_user(guarded, "worker")
    queue = guarded.client("worker")
    with product.worker(env=env) as worker, closing(sqlite3.connect(product.home / "store.db")) as other:
        wait_until(lambda: "ready" in product.log("worker"), why="the worker takes messages")
        other.execute("BEGIN IMMEDIATE")
        product.send(RecordPattern(pattern_type="test", pattern_name="taken"))
        wait_until(lambda: queue.llen(QUEUE) == 0, why="the worker has taken the message")
        os.kill(worker.pid, signal.SIGKILL)
        ended(worker)
    refused(guarded)
    with product.worker("second", env=env) as worker:
        product.wait_for(applied=1)
        assert 0 == worker.stop()
    assert set() == refused(guarded)


@pytest.mark.each_broker
def test_a_user_for_one_lane_is_no_worker_of_others(guarded: GuardedServer) -> None:
    """Others' queues are asked for once, which the server refuses and notes; its own is taken from."""
    rights = ("on", "nopass", "+@all", f"~{QUEUE}", f"~{QUEUE}.workers", f"~{QUEUE}.taken.*")
    with closing(guarded.client("admin")) as admin:
        admin.flushdb()
        admin.execute_command("ACL", "SETUSER", "laneless", *rights)
        admin.lpush(queue_of(3), b"left")
        admin.lpush(QUEUE, b"own")
    refused(guarded)
    _, _, address = guarded.of("admin").rpartition("@")
    with closing(Taken(redis_client(f"redis://laneless:x@{address}"), "me")) as taken:
        assert (0, 0) == (taken.take_over(1), taken.take_over(1))
        assert b"own" == taken.fetch()
    with closing(guarded.client("admin")) as admin:
        assert 1 == sum(int(each["count"]) for each in admin.acl_log())
        admin.acl_log_reset()
        admin.execute_command("ACL", "DELUSER", "laneless")


@pytest.mark.each_broker
def test_a_user_that_may_not_ask_is_told_what_is_not_known(guarded: GuardedServer) -> None:
    """The broker's health is no reason for an alarm; what a reader puts on the queue is refused."""
    with closing(RedisClient(BrokerSettings(broker_url=guarded.of("worker")))) as worker:
        found = worker.health()
    assert (None, True) == (found.problem, "this user may not ask" in found.warnings[0])
    with (
        closing(RedisClient(BrokerSettings(broker_url=guarded.of("reader")))) as reader,
        pytest.raises(BrokerUnavailable, match="no permissions"),
    ):
        reader.enqueue(b"x")


def test_flower_hears_the_worker(guarded: GuardedServer, product: Product) -> None:
    """Its user sees each task, and how many messages wait."""
    port = free_port()
    dashboard = Dashboard(port)
    flower = (sys.executable, "-m", "celery", "-A", "worker", "flower", f"--port={port}", *FLOWER)
    with (
        product.start("flower", *flower, env=as_user(guarded, "flower")),
        product.worker(env=as_user(guarded, "worker")),
    ):
        admin = guarded.client("admin")
        wait_until(lambda: admin.pubsub_numpat() and dashboard.answers(), why="the dashboard listens")
        refused(guarded)
        product.send(RecordPattern(pattern_type="test", pattern_name="seen by flower"))
        wait_until(lambda: "test: seen by flower" in dashboard.ask("/api/tasks", "u:p").text, why="it shows the task")
        assert 200 == dashboard.ask("/broker", "u:p").status
    assert set() == refused(guarded)


@pytest.mark.each_broker
@pytest.mark.parametrize("user", FORBIDDEN)
def test_no_user_may_do_more(guarded: GuardedServer, product: Product, user: str) -> None:
    """Everything beyond a user's part is refused, and changes nothing."""
    product.send(RecordPattern(pattern_type="test", pattern_name="untouched"))
    with closing(guarded.client("admin")) as admin, closing(guarded.client(user)) as client:
        before = admin.lrange(QUEUE, 0, -1), sorted(admin.keys())
        assert [] == [each for each in "|".join(FORBIDDEN[user]).split("|") if not refuses(client, each)]
        assert before == (admin.lrange(QUEUE, 0, -1), sorted(admin.keys()))


def refuses(client: Any, command: str) -> bool:  # noqa: ANN401 - the client is partly untyped
    """Whether the server says that this user has no permission for a command."""
    try:
        client.execute_command(*command.split())
    except NoPermissionError:
        return True
    return False


@pytest.mark.each_broker
def test_a_script_may_do_no_more_than_its_worker(guarded: GuardedServer) -> None:
    """The server asks for the rights of the user that runs it."""
    with closing(guarded.client("worker")) as worker:
        for call in ("'GET', 'other'", "'FLUSHALL'", "'DEL', 'other'"):
            with pytest.raises(ResponseError, match=r"(?i)permission|script can't"):
                worker.eval(f"return redis.call({call})", 0)


def test_without_a_user_nothing_is_answered(guarded: GuardedServer, product: Product) -> None:
    """The default user is off: the sentence says that a user has to be named."""
    _, _, address = guarded.of("reader").rpartition("@")
    finished = product.cli("status", env={"OSTINATO_BROKER_URL": f"redis://{address}"})
    assert (3, True) == (finished.code, "authenticate" in finished.err), finished.err


def test_a_missing_right_is_a_sentence_for_producers(guarded: GuardedServer, product: Product) -> None:
    """From Python as an exception, from the command line with exit code 3; nothing is sent."""
    env, status = as_user(guarded, "reader"), product.cli("status", env=as_user(guarded, "producer"))
    for said in (
        product.run(sys.executable, "-c", REFUSED_DELAY, env=env).out,
        product.cli("send", "-", stdin=LINE, env=env).sentence(3),
        product.cli("recalculate", env=env).sentence(3),
        status.sentence(3, printed=True),
    ):
        assert "no permissions" in said
        assert "OSTINATO_BROKER_URL" in said
    assert 0 == guarded.client("admin").llen(QUEUE)


@pytest.mark.each_broker
def test_a_producer_that_may_not_ask_for_the_brokers_run_sends(guarded: GuardedServer, product: Product) -> None:
    """Under tighter rules than ours: it only misses that the broker was started again."""
    with Producer(OutboxSettings(home=product.home, broker_url=guarded.of("beat"))) as producer:
        producer.record_pattern(pattern_type="test", pattern_name="in the dark")
        assert producer.flush(LONGEST)
    assert (1, True) == (guarded.client("admin").llen(QUEUE), "beat info" in refused(guarded))


@pytest.mark.parametrize("user", ["producer", "reader"])
def test_a_missing_right_is_a_sentence_of_the_worker(guarded: GuardedServer, product: Product, user: str) -> None:
    """It says once what was refused, and shows no traceback."""
    with product.worker(env=as_user(guarded, user)):
        wait_until(lambda: '"broker_refuses"' in product.log("worker"), why="the worker says it")
    log = product.log("worker")
    assert (1, False, False) == (log.count('"broker_refuses"'), "Traceback" in log, "exc_type" in log)
    assert "no permissions" in log


def test_a_worker_that_cannot_even_begin_ends(guarded: GuardedServer, product: Product) -> None:
    """With the same sentence, as one that failed; here it may not ask how long its queue is."""
    with closing(guarded.client("admin")) as admin:
        admin.execute_command("ACL SETUSER", "worker", "-llen")
        try:
            with product.worker(env=as_user(guarded, "worker")) as worker:
                assert EX_FAILURE == ended(worker)
        finally:
            admin.execute_command("ACL SETUSER", "worker", "+llen")
    log = product.log("worker")
    assert (1, False) == (log.count('"broker_refuses"'), "Traceback" in log)
    assert "no permissions" in log
