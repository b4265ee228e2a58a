"""The worker and the command line with their store on a PostgreSQL server."""

from collections.abc import Generator

import pytest

from ostinato.identity import pattern_id
from ostinato.messages.models import RecordPattern, RecordPatternApplication
from store.reading.store import Store
from tests.product import Product
from tests.servers.brokers import free_port
from tests.servers.databases import Database
from tests.waiting import wait_until


@pytest.fixture
def url(database: Database) -> Generator[str]:
    """The URL of a database without a schema."""
    url = database.new_database()
    yield url
    database.drop(url)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_messages_arrive_and_can_be_asked_for(embedded: Product, url: str) -> None:
    """From an empty database to a ranking, with one setting."""
    env = {"OSTINATO_STORE_URL": url}
    pattern = pattern_id("T", "n")
    assert 0 == embedded.cli("migrate", env=env).code
    applications = [
        RecordPatternApplication(pattern_id=pattern, execution_id="e", pattern_led_to_success=True) for _ in range(3)
    ]
    embedded.send(*applications, RecordPattern(pattern_type="T", pattern_name="n"))
    with embedded.worker(env=env), Store(url) as store:
        wait_until(lambda: store.stats().applied == 4, why="the messages are applied")
        embedded.wait_for_workers(1)
        facts = embedded.cli("status", "--json", env=env).json()
        (found,) = embedded.cli("patterns", "list", "--json", env=env).json()
    assert (4, 1, 3, True) == tuple(facts[name] for name in ("applied", "patterns", "applications", "worker"))
    assert (pattern, 3, 0.9625) == (found["id"], found["led_to_success_count"], round(found["effectiveness_score"], 12))


def test_a_server_that_is_down_is_one_sentence(alone: Product) -> None:
    """With an exit code of its own, and without the password."""
    env = {"OSTINATO_STORE_URL": f"postgresql+psycopg://user:s3cret@127.0.0.1:{free_port()}/db"}
    for words in (("status",), ("patterns", "list"), ("migrate",)):
        said = alone.cli(*words, env=env).sentence(4)
        assert said.startswith("The store at postgresql+psycopg://user:***@127.0.0.1:")
        assert " is unavailable (OperationalError: connection failed" in said
        assert said.endswith("OSTINATO_STORE_URL names it and a user who may work with it.")
        assert "s3cret" not in said
