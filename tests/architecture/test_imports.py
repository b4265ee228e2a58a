"""What an import does, and does not."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from worker.cli.commands import COMMANDS

# Imports what the arguments name, or else every module, and tells what happened on the way, and what is loaded.
PROBE = """
import json, pkgutil, sys
from importlib import import_module

WATCHED = {"socket.connect", "socket.bind", "sqlite3.connect", "subprocess.Popen", "os.posix_spawn", "os.mkdir"}
happened, before = [], set(sys.modules)


def watch(event, args):
    if event in WATCHED or (event == "open" and set(str(args[1])) & set("wax+")):
        happened.append([event, repr(args)])


sys.addaudithook(watch)


def modules(*packages):
    for package in packages:
        yield package
        for module in pkgutil.walk_packages(import_module(package).__path__, f"{package}."):
            yield module.name


# Programs rather than modules, and the one module that is there to read the environment.
programs = {"worker.celery", "worker.cli.__main__", "store.database.migrations.env"}
names = sys.argv[1:] or [name for name in modules("worker", "tasks", "store", "ostinato") if name not in programs]
for name in names:
    import_module(name)
print(json.dumps([names, happened, sorted({name.partition(".")[0] for name in set(sys.modules) - before})]))
"""


class Imported:
    """What came of importing modules in a process with an empty environment, in an empty folder."""

    def __init__(self, folder: Path, *names: str) -> None:
        command = [sys.executable, "-B", "-W", "error", "-c", PROBE, *names]
        environment = {"HOME": str(folder)}
        output = subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True).stdout
        self.names, self.happened, loaded = json.loads(output)
        self.packages = set(loaded)


def test_import_connects_to_nothing_and_writes_nothing(tmp_path: Path) -> None:
    """Every module but the programs can be imported with an empty environment, and nothing happens."""
    imported = Imported(tmp_path)
    assert {"worker.app", "worker.cli.up", "tasks.celery_tasks", "store.writing.transaction"} <= set(imported.names)
    assert [] == imported.happened
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["ostinato", "tasks", "store"])
def test_a_package_by_itself_loads_the_standard_library_only(tmp_path: Path, name: str) -> None:
    """Whatever is needed comes with the first name that is used."""
    imported = Imported(tmp_path, name)
    assert set() == imported.packages - set(sys.stdlib_module_names) - {"ostinato", name}


@pytest.mark.parametrize("name", ["ostinato.remote", "ostinato.messages.models"])
def test_producer_loads_neither_database_nor_queue_nor_server(tmp_path: Path, name: str) -> None:
    """Celery comes with the first message that is sent; SQLAlchemy and the server never."""
    imported = Imported(tmp_path, name)
    assert "pydantic" in imported.packages
    assert not imported.packages & {"sqlalchemy", "alembic", "celery", "kombu", "redis", "worker", "tasks", "store"}


def test_client_loads_nothing_of_the_server(tmp_path: Path) -> None:
    """Not even all of its modules together."""
    imported = Imported(tmp_path, "ostinato.producer", "ostinato.outbox.inspection", "ostinato.publishing.celery_app")
    assert "celery" in imported.packages
    assert not imported.packages & {"sqlalchemy", "alembic", "flower", "typer", "rich", "worker", "tasks", "store"}


def test_worker_loads_prometheus_only_where_it_is_asked_for(tmp_path: Path) -> None:
    """Nor does beat or a command wait for it."""
    modules = {place.partition(":")[0] for place, _ in COMMANDS.values()}
    assert "prometheus_client" not in Imported(tmp_path, "worker.app", *modules).packages


def test_a_command_loads_only_what_it_needs(tmp_path: Path) -> None:
    """The list of commands loads none of them, and a health check neither the store nor Celery nor Rich's drawing."""
    assert not Imported(tmp_path, "worker.cli.commands").packages & {"pydantic", "redis", "sqlalchemy", "structlog"}
    assert not Imported(tmp_path, "worker.cli.health").packages & {"alembic", "celery", "sqlalchemy", "textual"}


def test_pure_rules_load_the_standard_library_only(tmp_path: Path) -> None:
    """Neither the scores nor the identity of a pattern need anything else."""
    imported = Imported(tmp_path, "store.rules.scoring", "store.rules.identity", "ostinato.identity", "ostinato.errors")
    assert set() == imported.packages - set(sys.stdlib_module_names) - {"store", "ostinato"}
