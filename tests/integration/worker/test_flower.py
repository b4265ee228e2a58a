"""The dashboard: what it shows of the tasks, and to whom."""

import json
import sys
from typing import Any

from ostinato.messages.models import RecordPattern
from tests.product import Product
from tests.readers.dashboard import Dashboard
from tests.servers.brokers import free_port
from tests.waiting import wait_until

CREDENTIALS = "u:p"
OPTIONS = ("--address=127.0.0.1", f"--basic_auth={CREDENTIALS}", "--read_only", "--inspect_timeout=1")
PAGES = ("/", "/tasks", "/workers", "/api/tasks", "/api/workers")


def done(dashboard: Dashboard) -> list[dict[str, Any]]:
    """The tasks that the dashboard shows as done."""
    tasks = json.loads(dashboard.ask("/api/tasks", CREDENTIALS).text)
    return [task for task in tasks.values() if task["state"] == "SUCCESS"]


def test_flower_shows_tasks_in_words_to_those_who_may(embedded: Product) -> None:
    """Each task has its kind's name and says what it is about; without credentials, or to change things, no entry."""
    port = free_port()
    dashboard = Dashboard(port)
    message = RecordPattern(pattern_type="validation_failure", pattern_name="file not created")
    command = (sys.executable, "-m", "celery", "-A", "worker", "flower", f"--port={port}", *OPTIONS)
    with embedded.start("flower", *command), embedded.worker():
        wait_until(dashboard.answers, why="the dashboard answers")
        embedded.wait_for_workers(1)
        embedded.send(message)
        [task] = wait_until(lambda: done(dashboard), why="the dashboard shows the task")
        assert [401] * len(PAGES) == [dashboard.ask(page).status for page in PAGES]
        assert 403 == dashboard.ask("/api/worker/shutdown/worker@x", CREDENTIALS, method="POST").status
    assert ("record_pattern", "validation_failure: file not created") == (task["name"], task["args"])
