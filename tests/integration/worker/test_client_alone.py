"""The client in an environment of its own, beside a Celery application whose modules have the names of the server's."""

import json
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from store.database.tables import quarantine
from tests.product import Product

CLIENT = Path(__file__).parents[3] / "client"

# What a project may have of its own: the names of the server's three packages.
TASKS = """
import os
from celery import Celery
from ostinato import record_pattern

url = os.environ["BROKER"]
app = Celery("theirs", broker=url, backend=url)
# Neither may lead a message of Ostinato's astray.
app.conf.task_routes = {"*": {"queue": "celery", "exchange": "celery", "routing_key": "celery"}}
app.conf.task_default_exchange_type = "topic"

@app.task
def add(x, y):
    return x + y

@app.task
def fail():
    raise ValueError

@app.task
def total(numbers):
    return sum(filter(None, numbers))

@app.task(bind=True, max_retries=1)
def stubborn(self, signature):
    self.app.signature(signature).apply_async()
    raise self.retry(countdown=0)
"""
USE = """
import json, sys
from celery import chain, chord, group
import store, worker
from ostinato import Producer, pattern_id, record_pattern, record_pattern_application, soft_delete_pattern
from tasks import add, fail, stubborn, total

def seen(name):
    return record_pattern.s(pattern_type="client", pattern_name=name)

with Producer() as producer:
    producer.record_pattern(pattern_type="client", pattern_name="by a producer")
    assert producer.flush(600)
record_pattern.delay(pattern_type="client", pattern_name="by delay")
called = {"pattern_type": "client", "pattern_name": "by apply_async"}
record_pattern.apply_async(kwargs=called, countdown=None, retry=False, ignore_result=True)
assert 5 == add.delay(2, 3).get(30)

seen("alone").apply_async()
chain(add.s(1, 2), seen("last of a chain")).apply_async()
(add.s(1, 2) | record_pattern.si(pattern_type="client", pattern_name="behind a bar")).apply_async()
add.apply_async((1, 2), link=seen("a link"))
add.apply_async((1, 2), link=[seen("the first of two links"), seen("the second of two links")])
fail.apply_async(link_error=seen("after a failure"))
group(add.s(1, 2), seen("one of a group")).apply_async()
chord([add.s(1, 2), add.s(3, 4)], seen("body of a chord")).apply_async()
stubborn.delay(seen("twice"))

chain(seen("first of a chain"), add.si(1, 2)).apply_async()
chord([add.s(1, 2), seen("in the head of a chord")], total.s()).apply_async()
seen("later").apply_async(countdown=1)

server = {"sqlalchemy", "alembic", "flower", "typer", "rich", "jinja2"}
print(json.dumps([sorted(server & set(sys.modules)), store.__doc__, worker.__doc__]))
"""
APPLIED = {
    *(
        "by a producer",
        "by delay",
        "by apply_async",
        "alone",
        "last of a chain",
        "behind a bar",
        "a link",
        "the first of two links",
    ),
    *("the second of two links", "after a failure", "one of a group", "body of a chord", "twice"),
}
REFUSED = {
    "first of a chain": "envelope_chain",
    "in the head of a chord": "envelope_chord",
    "later": "envelope_eta",
}


def with_requirements(name: str, found: set[str]) -> set[str]:
    """Add to what was found a distribution of this environment, and what it needs; all of them."""
    if name not in found:
        found.add(name)
        for each in map(Requirement, distribution(name).requires or ()):
            if each.marker is None or each.marker.evaluate({"extra": ""}):
                with_requirements(canonicalize_name(each.name), found)
    return found


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that has the client's wheel, and what that says it needs, and nothing else."""
    folder = tmp_path_factory.mktemp("client")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=CLIENT, check=True, capture_output=True)
    [wheel] = folder.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], check=True)
    [packages] = folder.glob("venv/lib/python*/site-packages")
    for name in with_requirements("ostinato-client", set()) - {"ostinato-client"}:
        # As it is installed here: no test needs the network.
        for top in {file.parts[0] for file in distribution(name).files or ()} - {"..", "__pycache__"}:
            (packages / top).symlink_to(str(distribution(name).locate_file(top)))
    interpreter = folder / "venv" / "bin" / "python"
    install = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--offline", "--no-deps"]
    subprocess.run([*install, "--python", str(interpreter), str(wheel)], check=True, capture_output=True)
    return interpreter


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a program and a Celery application."""
    (tmp_path / "worker").mkdir()
    (tmp_path / "worker" / "__init__.py").write_text('"""Theirs."""')
    (tmp_path / "store.py").write_text('"""Theirs."""')
    (tmp_path / "tasks.py").write_text(TASKS)
    (tmp_path / "use.py").write_text(USE)
    return tmp_path


def test_the_client_works_beside_an_application_of_ones_own(embedded: Product, python: Path, project: Path) -> None:
    """Through `Producer`, by `.delay` and in canvases. What cannot be honoured is quarantined whole."""
    env = {"BROKER": embedded.settings.broker_address}
    inside = ("sh", "-c", 'cd "$0" && exec "$@"', str(project), str(python))
    own = embedded.start("own", *inside, "-m", "celery", "-A", "tasks", "worker", "-P", "solo", env=env)
    with own, embedded.worker():
        used = embedded.run(*inside, "use.py", env=env)
        assert (0, "") == (used.code, used.err)
        assert [[], "Theirs.", "Theirs."] == json.loads(used.out)
        embedded.wait_for(applied=len(APPLIED), quarantined=len(REFUSED), duplicates=1)
    patterns = {each.pattern_name: each.occurrence_count for each in embedded.store.patterns(limit=100)}
    assert dict.fromkeys(APPLIED, 1) == patterns
    kept = {row["reason_code"]: row["raw"].decode() for row in embedded.rows(quarantine)}
    assert set(REFUSED.values()) == set(kept)
    assert [True] * len(REFUSED) == [name in kept[code] for name, code in REFUSED.items()]
