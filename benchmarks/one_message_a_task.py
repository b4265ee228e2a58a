"""P5 and P6: a backlog of single messages, as Celery's own idiom sends them, drained by one worker."""

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from celery import Celery

from benchmarks.figures import Figure, Target, alternate
from benchmarks.filling import fill
from benchmarks.installation import counting, installation, rate_of
from benchmarks.traffic import Said, messages
from ostinato.publishing.publisher import producer_app, publish
from tests.product import Product

_STOCK_QUEUE = "celery"
_STOCK = ("--without-gossip", "--without-mingle")
_WHAT = "messages a second, one message a task"


@dataclass(frozen=True, slots=True)
class Size:
    """A backlog of messages about the patterns."""

    rounds: int
    patterns: int
    messages: int
    orm_messages: int


FULL = Size(rounds=5, patterns=20_000, messages=8_000, orm_messages=3_000)
QUICK = Size(rounds=1, patterns=50, messages=100, orm_messages=60)


def run(*, quick: bool) -> list[Figure]:
    """Against plain Celery with a task that does nothing, and against a task with a session of an ORM."""
    size = QUICK if quick else FULL
    nothing, orm, ours = alternate(size.rounds, partial(_nothing, size), partial(_orm, size), partial(_ours, size))
    return [
        Figure(
            key="P5",
            what=_WHAT,
            unit="messages/s",
            ours=ours,
            baseline=nothing,
            against="plain Celery, doing nothing",
            targets=(Target("ratio", "at least", 1),),
        ),
        Figure(
            key="P6",
            what=_WHAT,
            unit="messages/s",
            ours=ours,
            baseline=orm,
            against="a task with an ORM session",
            targets=(Target("ratio", "at least", 3),),
        ),
    ]


def _ours(size: Size) -> float:
    with installation() as product:
        fill(product.settings.store_address, size.patterns)
        app = producer_app(product.settings)
        for message in messages(0, size.messages, size.patterns):
            publish(app, message)
        app.close()
        with counting(product) as applied, product.worker():
            return rate_of(applied, size.messages)


def _nothing(size: Size) -> float:
    with installation() as product:
        tasks = (("nothing", {"text": each.content()}) for each in messages(0, size.messages, size.patterns))
        return _stock(product, "benchmarks.baselines.plain_celery", tasks)


def _orm(size: Size) -> float:
    with installation() as product:
        fill(product.settings.store_address, size.patterns)
        tasks = ((each.KIND, _fields(each)) for each in messages(0, size.orm_messages, size.patterns))
        return _stock(product, "benchmarks.baselines.orm_task", tasks)


def _fields(message: Said) -> dict[str, object]:
    """What the task of the baseline takes of a message."""
    fields: dict[str, object] = json.loads(message.content())
    left_out = {"kind", "occurred_at"} if "pattern_id" in fields else {"kind", "occurred_at", "id"}
    return {name: value for name, value in fields.items() if name not in left_out}


def _stock(product: Product, module: str, tasks: Iterable[tuple[str, Mapping[str, object]]]) -> float:
    """Send these to Celery's own queue, and have a worker of this application drain it."""
    app = producer_app(product.settings)
    count = sum(1 for _ in map(partial(_send, app), tasks))
    app.close()
    with product.start("stock", sys.executable, "-m", "celery", "-A", module, "worker", *_STOCK):
        return rate_of(lambda: count - _left(product), count)


def _send(app: Celery, task: tuple[str, Mapping[str, object]]) -> None:
    name, fields = task
    app.send_task(name, kwargs=dict(fields), queue=_STOCK_QUEUE, retry=False, ignore_result=True)


def _left(product: Product) -> int:
    """How many messages wait, or are with the worker, as kombu's transport keeps them."""
    return product.client.llen(_STOCK_QUEUE) + len(product.client.zrange("unacked_index", 0, -1))
