"""Asking the dashboard as a browser does."""

import base64
import fcntl
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple

from tests.waiting import SECONDS


class Answer(NamedTuple):
    """What it answered; status 0 if nothing listens."""

    status: int
    text: str


class Dashboard:
    """The one at a loopback port; each question is a connection of its own."""

    def __init__(self, port: int) -> None:
        self._port = port

    def ask(self, path: str, credentials: str | None = None, *, method: str = "GET") -> Answer:
        """Its answer to a user with these credentials (`user:password`)."""
        encoded = base64.b64encode((credentials or "").encode()).decode()
        headers = {} if credentials is None else {"Authorization": f"Basic {encoded}"}
        connection = HTTPConnection("127.0.0.1", self._port, timeout=SECONDS)
        try:
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            return Answer(answer.status, answer.read().decode())
        except ConnectionError:
            return Answer(0, "")
        finally:
            connection.close()

    def answers(self) -> bool:
        """Whether it is there."""
        return self.ask("/healthcheck").status == 200


@contextmanager
def only_one() -> Generator[None]:
    """Wait until no other test has the dashboard of `ostinato up`, whose port is always the same."""
    with Path(tempfile.gettempdir(), "ostinato-tests-dashboard.lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
