"""A worker, or beat, with a bug planted in it: `celery -A tests.faults.planted worker`.

``OSTINATO_TEST_PLANT`` names one of the PLANTS. It may be armed too, as `tests.faults.armed` is.
"""

import os
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest
from kombu.transport import redis

import worker.beat.scheduler
import worker.beat.slots
import worker.broker.redis.consumer
from tests.faults import armed
from tests.faults.replacing import AnyFunction, replace
from tests.integration.store import planted_rules, plants
from tests.integration.store.plants import Plant
from tests.integration.store.trials import Laboratory
from worker.broker.redis.transport import Channel

PLANT = "OSTINATO_TEST_PLANT"
AFTER_STOCK_FETCH = "after stock fetch"


class StockTransport(redis.Transport):
    """Kombu's own, which can read the URL of a unix socket."""

    can_parse_url = True


def acknowledge_before_commit(_: pytest.MonkeyPatch, __: Laboratory) -> None:
    """The broker is told "done" as soon as it has handed a message over.

    Celery's setting alone would not do: in one process it tells the broker after the task all the same.
    """

    def make(fetched: AnyFunction) -> AnyFunction:
        def fetch_and_forget(channel: Channel) -> bytes | None:
            raw: bytes | None = fetched(channel)
            if raw is not None:
                vars(channel)["_taken"].done([raw])
            return raw

        return fetch_and_forget

    replace("worker.broker.redis.transport.Channel._fetched", make)


def stock_fetch(patch: pytest.MonkeyPatch, _: Laboratory) -> None:
    """The worker fetches as kombu does: off the queue first, written down as taken afterwards."""
    patch.setattr(worker.broker.redis.consumer, "Transport", StockTransport)
    patch.setattr(worker.broker.redis.consumer, "SocketTransport", StockTransport)
    if os.environ.get(armed.POINT) == AFTER_STOCK_FETCH:
        bomb = armed.Bomb(int(os.environ[armed.PASS]))
        replace("kombu.transport.virtual.Transport._deliver", bomb.before)


def slot_key_in_local_time(patch: pytest.MonkeyPatch, laboratory: Laboratory) -> None:
    """Also where beat has the function by name."""
    plants.slot_key_in_local_time(patch, laboratory)
    patch.setattr(worker.beat.scheduler, "slot_message", worker.beat.slots.slot_message)


PLANTS: Mapping[str, Plant] = {
    "acknowledge before commit": acknowledge_before_commit,
    "no inbox": plants.no_inbox,
    "rowcount test": plants.rowcount_test,
    "stock fetch": stock_fetch,
    "quarantine outside the transaction": plants.quarantine_outside_the_transaction,
    "slot key in local time": slot_key_in_local_time,
    "replay under a new id": plants.replay_under_a_new_id,
    "window ordered by applied time": planted_rules.window_by_applied_time,
}


def _laboratory() -> Laboratory:
    """What the plants know of the store."""
    url = os.environ.get("OSTINATO_STORE_URL", f"sqlite:///{os.environ['OSTINATO_HOME']}/store.db")
    return cast("Any", SimpleNamespace(url=url, kind=url.partition(":")[0].partition("+")[0]))


if PLANT in os.environ:
    PLANTS[os.environ[PLANT]](pytest.MonkeyPatch(), _laboratory())
    if os.environ.get(armed.POINT) in armed.POINTS:
        armed.arm()
    from worker.celery import app as app  # noqa: PLC0414 - what Celery looks for here
