"""The worker's pool: Celery's for one process, whose message nobody can end from outside."""

from celery.concurrency import solo
from typing_extensions import override


class SerialPool(solo.TaskPool):
    """Applies one message after the other in the worker's own process; finishes each, also when told to drop it."""

    @override
    def terminate_job(self, pid: int, signal: int | None = None) -> None:
        # At SIGQUIT Celery calls this in the middle of a message; its own pool raises, right into the transaction.
        return
