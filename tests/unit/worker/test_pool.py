"""The pool of a worker: its message cannot be ended from outside."""

import os
import signal

from worker.broker.consumer import SerialPool


def test_a_message_is_finished_also_where_celery_would_end_it() -> None:
    """At SIGQUIT it asks the pool to, in the middle of a message; nothing is raised there, and no process is killed."""
    SerialPool(1).terminate_job(os.getpid(), signal.SIGKILL)
