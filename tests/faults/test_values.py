"""M3: every value that a message may come to have, through real workers, on both kinds of store."""

import json
from collections import Counter
from collections.abc import Generator
from contextlib import ExitStack
from typing import Any

import pytest

from ostinato.messages.routing import QUEUE
from ostinato.publishing.publisher import producer_app
from tests.conftest import missing
from tests.faults import flight
from tests.faults.ledger import Outcome
from tests.faults.oracle import Verdict
from tests.faults.report import Record
from tests.faults.rig import Rig
from tests.faults.rows import Rows, read_rows
from tests.faults.values import Sent, values
from tests.forms import Scaled
from tests.servers import postgresql
from tests.servers.databases import PostgresqlDatabase
from tests.waiting import wait_until

DRAWN = 1_200
# What the log says of each message; beside it, some say more of what they led to.
FATES = {"message_applied", "pattern_application_parked", "message_quarantined"}


@pytest.fixture
def on_postgresql(seed: str, tmp_path_factory: pytest.TempPathFactory) -> Generator[Rig]:
    """A second Ostinato, on PostgreSQL; without one, skipped, but failed in CI."""
    server = postgresql.server() or missing(postgresql.MISSING)
    with ExitStack() as opened:
        database = PostgresqlDatabase(opened.enter_context(server).url)
        opened.callback(database.close)
        yield opened.enter_context(Rig(tmp_path_factory.mktemp("h"), seed, store_url=database.new_store()))


def send(rig: Rig, sent: list[Sent]) -> None:
    """Send the texts as they are, past every check of a producer's own."""
    app = producer_app(rig.product.settings)
    for each in sent:
        if each.reason is None:
            rig.ledger.note(Outcome.OK, *each.messages)
        else:
            rig.ledger.note_unfit(each.raw)
        app.send_task(each.kind, args=(each.text,), queue=QUEUE)
    app.close()


def through_a_worker(rig: Rig, sent: list[Sent]) -> tuple[Verdict, Rows]:
    """What becomes of them."""
    send(rig, sent)
    with rig.worker(env={"OSTINATO_LOG_LEVEL": "DEBUG"}):
        wait_until(lambda: flight.in_flight(rig.product.client) == 0, why="all are applied")
        rows = read_rows(rig.store)
        return rig.judge(), rows


def comparable(rows: Rows) -> dict[str, Any]:
    """The rows without the times of a worker's clock."""
    applications = {key: {**row, "applied_at": None} for key, row in rows.tables["applications"].items()}
    return {**rows.tables, "applications": applications, "inbox": [row["content"] for row in rows.inbox]}


def assert_one_line_each(rig: Rig, sent: list[Sent]) -> None:
    """One line of the log for each message, which is JSON, in ASCII, and shows nothing that a terminal would obey."""
    lines = rig.product.log("worker").split("\n")
    said = [json.loads(line) for line in lines if line.startswith("{")]
    assert [] == [line for line in lines if not (line.isascii() and line.isprintable())]
    assert [] == [line for line in lines if "forged" in line[:20]]
    fates = Counter(each["message_id"] for each in said if each["event"] in FATES and each["message_id"])
    applied = Counter(message["id"] for each in sent if each.reason is None for message in each.messages)
    assert {} == {key: count for key, count in applied.items() if fates[key] != count}
    assert sum(each.reason is not None for each in sent) == sum(each["event"] == "message_quarantined" for each in said)


def test_values(rig: Rig, on_postgresql: Rig, record: Record, scaled: Scaled) -> None:
    """Each is stored as it was sent, the same in both, or refused for the one right reason and kept byte for byte."""
    sent = values(rig.seed, scaled(DRAWN))
    reasons = Counter((each.raw, each.reason) for each in sent if each.reason)
    found: list[Rows] = []
    for each, name in ((rig, "SQLite"), (on_postgresql, "PostgreSQL")):
        verdict, rows = through_a_worker(each, sent)
        record(each.result(f"M3 odd values, {name}", len(sent), len(sent)))
        assert {} == verdict.defects
        assert reasons == Counter((bytes(row["raw"]), row["reason_code"]) for row in rows.quarantine)
        assert_one_line_each(each, sent)
        found.append(rows)
    one, other = found
    assert comparable(one) == comparable(other)
    assert pytest.approx(one.scores, rel=0, abs=1e-12) == other.scores
