"""Celery as it comes, with a task that does nothing: the floor of the machinery.

    celery -A benchmarks.baselines.plain_celery worker --without-gossip --without-mingle

Its broker is that of the home folder; its worker is set as Ostinato's is: solo, one message at a time, told "done"
after the task, with events.
"""

from celery import Celery

from ostinato.settings.broker import BrokerSettings
from ostinato.settings.environment import read_settings


def plain_app(name: str) -> Celery:
    """An application on kombu's own transport, with the settings that Ostinato's worker has."""
    app = Celery(name, broker=read_settings(BrokerSettings).broker_address, set_as_current=False)
    app.conf.update(
        worker_pool="solo",
        worker_concurrency=1,
        worker_prefetch_multiplier=1,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        broker_connection_retry_on_startup=True,
        worker_cancel_long_running_tasks_on_connection_loss=True,
        task_ignore_result=True,
        worker_send_task_events=True,
        worker_enable_remote_control=False,
    )
    return app


app = plain_app("plain")


@app.task(name="nothing", shared=False)
def nothing(text: str) -> None:
    """Take a message, and do nothing."""
