"""The dashboard as people see it, in a real browser.

With OSTINATO_TEST_PICTURES=1 the documentation's picture of it is taken again.
"""

import os
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, HttpCredentials, Page, ViewportSize, expect

from ostinato.identity import pattern_id
from ostinato.messages.models import Message, RecalculateAllPatternPriorities, RecordPattern, RecordPatternApplication
from tests.product import Product
from tests.readers.browser import patient
from tests.readers.dashboard import Dashboard
from tests.servers.brokers import EmbeddedValkey, free_port
from tests.waiting import wait_until
from worker.processes.services import FLOWER_OPTIONS

USER, PASSWORD = "someone", "a-long-password"
OPTIONS = ("--address=127.0.0.1", *FLOWER_OPTIONS)
PICTURE = Path(__file__).parents[3] / "docs" / "images" / "flower.png"
LARGEST_PICTURE = 300_000
SIZE = ViewportSize(width=1200, height=520)
PAGES = ("/", "/workers", "/tasks", "/broker", "/worker/worker@x", "/task/x")
# What a page of a dashboard that may change things would offer, and where it would go.
BUTTONS = "Shut ?down|Restart|Terminate|Revoke|Grow|Shrink|Apply|Cancel|Add|Soft|Hard"
CHANGES = (
    *(f"/api/worker/{each}/{{worker}}" for each in ("shutdown", "pool/restart", "pool/grow", "queue/add-consumer")),
    *(f"/api/task/{each}/{{task}}" for each in ("revoke", "timeout", "rate-limit", "abort")),
    *(f"/api/task/{each}/record_pattern" for each in ("apply", "async-apply", "send-task")),
)
# With all that the pages' own scripts would send along.
POST = """async path => {
    const token = (document.cookie.match('_xsrf=([^;]+)') || ['', ''])[1]
    const answer = await fetch(path, {method: 'POST', headers: {'X-XSRFToken': decodeURIComponent(token)}, body: '{}'})
    return [answer.status, await answer.text()]
}"""
SENT: tuple[Message, ...] = (
    RecordPattern(pattern_type="validation_failure", pattern_name="file not created"),
    RecordPattern(pattern_type="timeout", pattern_name="test_login times out"),
    RecordPatternApplication(
        pattern_id=pattern_id("validation_failure", "file not created"),
        execution_id="run-17",
        pattern_led_to_success=True,
    ),
    RecalculateAllPatternPriorities(),
)


@pytest.fixture(scope="module")
def flower(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """The address of a dashboard beside a worker that has applied some messages."""
    home, port = tmp_path_factory.mktemp("h"), free_port()
    command = (sys.executable, "-m", "celery", "-A", "worker", "flower", f"--port={port}", *OPTIONS)
    env = {"FLOWER_BASIC_AUTH": f"{USER}:{PASSWORD}"}
    with EmbeddedValkey(home), Product(home) as product, product.start("flower", *command, env=env), product.worker():
        wait_until(Dashboard(port).answers, why="the dashboard answers")
        product.wait_for_workers(1)
        product.send(*SENT)
        product.wait_for(applied=len(SENT))
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def signed_in(browser: Browser, flower: str) -> Generator[Page]:
    """A page of a reader who has typed user and password."""
    credentials = HttpCredentials(username=USER, password=PASSWORD)
    with patient(browser.new_context(base_url=flower, http_credentials=credentials, viewport=SIZE)) as context:
        yield context.new_page()


def row(page: Page, text: str) -> str:
    """What the one row of the table says that has this text in it, its words one space apart."""
    found = page.get_by_role("row").filter(has_text=text)
    expect(found).to_have_count(1)
    return " ".join(found.inner_text().split())


def test_nothing_is_shown_without_a_password(browser: Browser, flower: str) -> None:
    """Every page is refused: the browser would ask for a password, and gets none."""
    with patient(browser.new_context(base_url=flower)) as context:
        page = context.new_page()
        for path in PAGES:
            with pytest.raises(Error, match="ERR_INVALID_AUTH_CREDENTIALS"):
                page.goto(path)
            answer = context.request.get(path)
            assert (401, []) == (answer.status, told(answer.text()))


def test_a_wrong_password_opens_nothing(browser: Browser, flower: str) -> None:
    """Nor does another user's right one."""
    for user, password in ((USER, "guessed"), ("else", PASSWORD)):
        credentials = HttpCredentials(username=user, password=password)
        with patient(browser.new_context(base_url=flower, http_credentials=credentials)) as context:
            page = context.new_page()
            for path in PAGES:
                answer = page.goto(path)
                assert answer is not None
                assert (401, []) == (answer.status, told(page.content()))


def told(content: str) -> list[str]:
    """The parts of a page that only a reader with a password may see."""
    return [word for word in ("Flower", "worker", "record_pattern") if word in content]


def test_the_worker_is_online(signed_in: Page) -> None:
    """By its name, with what it has done."""
    signed_in.goto("/workers")
    expect(signed_in.locator("#workers-online")).to_have_text("1")
    assert "Online" in row(signed_in, "worker@")
    expect(signed_in.locator("#workers-succeeded")).to_have_text(str(len(SENT)))


def test_tasks_are_told_in_words(signed_in: Page) -> None:
    """Each by its kind and what it is about; its own page has the same."""
    signed_in.goto("/tasks")
    for message in SENT:
        assert row(signed_in, message.summary()).startswith(f"{message.KIND} {message.summary()} ")
    seen = SENT[0]
    assert "validation_failure: file not created" == seen.summary()
    task = task_of(signed_in, seen)
    signed_in.locator(f'a[href="/task/{task}"]').click()
    expect(signed_in).to_have_title(f"{seen.KIND} {task[:8]} · Flower")
    for text in (seen.KIND, seen.summary(), "SUCCESS"):
        expect(signed_in.get_by_text(text, exact=True).first).to_be_visible()


def test_nothing_can_be_changed(signed_in: Page) -> None:
    """No page has a button for it, and what such a button would send is refused."""
    task = task_of(signed_in, SENT[0])
    for path in (*PAGES[:4], f"/task/{task}"):
        signed_in.goto(path)
        expect(signed_in.get_by_role("button", name=BUTTONS)).to_have_count(0)
    for path in CHANGES:
        status, said = signed_in.evaluate(POST, path.format(worker="worker@x", task=task))
        assert (403, True) == (status, "Read only mode" in said), f"{path}: {status} {said}"


def task_of(page: Page, message: Message) -> str:
    """The id of the task that this message is, as the list of tasks has it; shows that list."""
    page.goto("/tasks")
    found = page.get_by_role("row").filter(has_text=message.summary()).locator('a[href^="/task/"]')
    return str(found.get_attribute("href")).rpartition("/")[2]


def test_the_pages_picture_is_small(signed_in: Page) -> None:
    """And shows what `/tasks` looks like, each time that it is taken."""
    if os.environ.get("OSTINATO_TEST_PICTURES"):
        task_of(signed_in, SENT[0])
        signed_in.screenshot(path=PICTURE)
    assert LARGEST_PICTURE >= PICTURE.stat().st_size
