"""The Celery application: one task for each kind of message, and the configuration that the guarantees rest on."""

from pathlib import Path

import pytest
from celery import Celery

from ostinato.messages.models import MESSAGES
from ostinato.messages.routing import QUEUE
from worker.app import create_app
from worker.settings import Settings


@pytest.fixture
def app(tmp_path: Path) -> Celery:
    """The application, as worker and beat get it."""
    return create_app(Settings(home=tmp_path, broker_url="redis://127.0.0.1:1", store_url=None))


def test_one_task_for_each_kind_of_message(app: Celery) -> None:
    """They bear the same names, and there is no other task but Celery's own."""
    own = {name for name in app.tasks if not name.startswith("celery.")}
    assert set(MESSAGES) == own


def test_tasks_stay_with_their_application(app: Celery) -> None:
    """Another application of the process does not get them."""
    assert app.tasks
    assert not set(MESSAGES) & set(Celery("another").tasks)


@pytest.mark.parametrize(
    ("setting", "value"),
    {
        "worker_pool": "worker.broker.consumer:SerialPool",
        "worker_concurrency": 1,
        "worker_prefetch_multiplier": 1,
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "accept_content": ["json"],
        "event_serializer": "json",
        "task_compression": None,
        "task_serializer": "json",
        "result_backend": None,
        "task_ignore_result": True,
        "worker_enable_remote_control": False,
        "worker_send_task_events": True,
        "task_default_queue": QUEUE,
        "enable_utc": True,
    }.items(),
)
def test_configuration(app: Celery, setting: str, value: object) -> None:
    """Serial, acknowledged after the commit, JSON only, no results, no remote control, but events."""
    assert value == getattr(app.conf, setting)
