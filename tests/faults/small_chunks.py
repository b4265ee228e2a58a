"""A worker that recalculates a few patterns at a time: `celery -A tests.faults.small_chunks worker`.

So that a recalculation of few patterns takes as many turns as one of many; what a turn does is the product's.
"""

from functools import partial

from tests.faults.replacing import replace
from worker.celery import app as app  # noqa: PLC0414 - what Celery looks for here

CHUNK = 2

replace("tasks.receiver.recalculate", lambda recalculate: partial(recalculate, chunk=CHUNK))
