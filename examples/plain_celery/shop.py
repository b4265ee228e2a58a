"""A Celery application that reports to Ostinato without any of its packages: a task name and JSON are enough.

    export BROKER_URL=redis+socket:///FOLDER/broker.sock    # the broker of `ostinato up`
    celery -A shop worker -Q shop --pool solo               # this application's own worker
    python3 shop.py                                         # give it some orders

Every language with a Celery client can do the same: send a task by name with one argument, a JSON text. The fields are
in docs/reference/messages.schema.json.
"""

import hashlib
import json
import logging
import os
from datetime import UTC, datetime
from uuid import uuid4

from celery import Celery
from kombu.exceptions import OperationalError

app = Celery("shop", broker=os.environ["BROKER_URL"])
app.conf.update(task_default_queue="shop", task_ignore_result=True)

# A separate application for the reports: without these bounds, a call may wait very long for an unavailable broker.
telling = Celery("shop-telling", broker=os.environ["BROKER_URL"], set_as_current=False)
telling.conf.update(
    task_publish_retry=False,
    broker_transport_options={
        "max_retries": 0,
        "interval_start": 0,
        "interval_step": 0.05,
        "interval_max": 0.1,
        "socket_connect_timeout": 0.25,
        "socket_timeout": 0.5,
    },
)

PROBLEM = {"pattern_type": "order_failure", "pattern_name": "Payment service is busy"}


def pattern_id(pattern_type: str, pattern_name: str) -> str:
    """The id of a pattern in the store, computed without asking it."""
    normalised = " ".join(pattern_name.lower().split())
    return hashlib.sha256(f"{pattern_type}:{normalised}".encode()).hexdigest()[:16]


def tell(kind: str, **fields: object) -> None:
    """Send one message; if the broker does not answer, the call takes half a second and the message is lost.

    To lose no message, keep the text with its id and send the same text again: it takes effect once.
    """
    message = {"kind": kind, "id": str(uuid4()), "occurred_at": datetime.now(UTC).isoformat(), **fields}
    try:
        telling.send_task(kind, args=[json.dumps(message)], queue="ostinato", ignore_result=True)
    except OperationalError as error:
        logging.getLogger("shop").warning("Ostinato was not told: %s", error)


@app.task(name="shop.order")
def order(number: int) -> None:
    """Take an order. The payment service is busy at the first try, and at every third order at the second try too."""
    tell("record_pattern", **PROBLEM, context_tags=["shop"], suggested_action="Ask it again after a second")
    paid = number % 3 != 0
    tell(
        "record_pattern_application",
        pattern_id=pattern_id(**PROBLEM),
        execution_id=f"order-{number}",
        pattern_led_to_success=paid,
    )


if __name__ == "__main__":
    for each in range(1, 7):
        app.send_task("shop.order", args=[each])
