"""`ostinato status`."""

from typing import Any

import typer

from ostinato.errors import BrokerUnavailable
from ostinato.outbox.inspection import waiting
from ostinato.settings.environment import read_settings
from store.reading.store import Store
from worker.broker.client import BrokerState
from worker.broker.kinds import broker_client
from worker.cli.options import AsJson
from worker.cli.output import err, harmless, out, print_json, record, sheet
from worker.settings import Settings

_BALANCED = {True: "every message received is accounted for", False: "no: this is a defect, please report it"}
# Each number is on a line of its own below.
_LEDGER = "= applied + parked + quarantined + discarded"
_NO_WORKER = (
    "No worker takes messages{}: start one by `ostinato up` or `celery -A worker worker`, or see the log of one that "
    "runs."
)


def status(*, as_json: AsJson = False) -> None:
    """Show where the messages are, and whether broker and worker answer.

    Every message sent is in an outbox, queued or received. Every message received is applied, parked, quarantined or
    discarded. Only the outboxes of this machine are counted, and a queued batch counts as one. The exit code is 3 if
    the broker does not answer. A missing worker is no error here: health checks use `ostinato health worker`.
    """
    settings = read_settings(Settings)
    with Store(settings.store_address) as store:
        stats = store.stats()
    broker = broker_client(settings)
    trouble = ""
    state = None
    try:
        state = broker.state()
    except BrokerUnavailable as error:
        trouble = str(error)
    finally:
        broker.close()
    facts = {
        "outbox": waiting(settings.outbox_folder),
        "queued": None if state is None else state.queued,
        **_lanes(state),
        **record(stats),
        "balanced": stats.balanced,
        "broker": not trouble,
        "worker": state is not None and all(state.served.get(lane) for lane in range(settings.lanes)),
    }
    if as_json:
        print_json(facts)
    else:
        _show(facts | {"received": f"{stats.received:,} {_LEDGER}", "balanced": _BALANCED[stats.balanced]})
    if trouble:
        err.print(harmless(trouble), soft_wrap=True)
        raise typer.Exit(3)
    if not (facts["worker"] or as_json):
        lanes = facts.get("lanes_without_worker")
        err.print(_NO_WORKER.format(f" of lane {lanes}" if lanes else ""), soft_wrap=True)


def _lanes(state: BrokerState | None) -> dict[str, Any]:
    """With several lanes: how many messages wait in each, and which lanes have no worker."""
    if state is None or len(state.lanes) == 1:
        return {}
    return {
        "queued_by_lane": " ".join(f"{lane}:{count}" for lane, count in state.lanes.items()),
        "lanes_without_worker": " ".join(map(str, state.unserved)) or None,
    }


def _show(facts: dict[str, Any]) -> None:
    out.print(sheet({name.replace("_", " "): _words(value) for name, value in facts.items()}))


def _words(value: object) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "answers" if value else "does not answer"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:.4f}"
        case _:
            return str(value)
