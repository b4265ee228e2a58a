"""Variables that look like settings: those that are some, and what is said of those that are none."""

import io
import logging
import re
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from ostinato.settings import environment
from ostinato.settings.broker import BrokerSettings
from ostinato.settings.environment import PREFIX, SETTINGS, read_settings, unknown_settings
from worker.settings import Settings

ROOT = Path(__file__).parents[3]
MEANT = {
    "STROE": "STORE_URL",
    "BROKER_ULR": "BROKER_URL",
    "LANE_S": "LANES",
    "LOGLEVEL": "LOG_LEVEL",
    "METRIC_PORT": "METRICS_PORT",
    "FLOWER_PASSWORD": "FLOWER_AUTH",
}
Said = Callable[[], list[str]]


@pytest.fixture
def said() -> Generator[Said]:
    """The lines of the log so far."""
    lines = io.StringIO()
    handler = logging.StreamHandler(lines)
    logger = logging.getLogger(environment.__name__)
    logger.addHandler(handler)
    yield lambda: lines.getvalue().splitlines()
    logger.removeHandler(handler)


def test_every_setting_is_known_to_producers_too() -> None:
    """They must not call a worker's setting none."""
    assert {name.upper() for name in Settings.model_fields} == SETTINGS


def test_what_the_repository_reads_for_itself_is_known() -> None:
    """Whatever its compose file, examples, benchmarks, pages and tests name."""
    folders = ("docs", "examples", "benchmarks", "monitoring", "tests")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]
    texts = [path for path in (*files, ROOT / "docker-compose.yml") if path.suffix not in {".pyc", ".png"}]
    read = [path.read_text() for path in texts]
    names = {name for text in read for name in re.findall(PREFIX + r"[A-Z_]*[A-Z]\b", text)}

    assert {"OSTINATO_POSTGRES_PASSWORD", "OSTINATO_TEST_CLOCK"} < names
    assert [] == [*unknown_settings(sorted(names))]


def test_settings_in_small_letters_are_read_too() -> None:
    """As the settings are."""
    assert ["ostinato_stroe"] == [*unknown_settings(["ostinato_home", "ostinato_stroe", "PATH", "OSTINATO"])]


@pytest.mark.parametrize(("name", "setting"), MEANT.items())
def test_the_closest_setting_is_named(monkeypatch: pytest.MonkeyPatch, said: Said, name: str, setting: str) -> None:
    """A producer's own log says it, once, and never the value."""
    monkeypatch.setenv(PREFIX + name, "s3cret")
    read_settings(BrokerSettings)
    read_settings(BrokerSettings)

    assert [f"{PREFIX}{name} is no setting of this version, and ignored: is {PREFIX}{setting} meant?"] == said()


def test_where_none_is_close_none_is_named(monkeypatch: pytest.MonkeyPatch, said: Said) -> None:
    """What cannot be printed stands there as an escape."""
    monkeypatch.setenv(f"{PREFIX}\x1b7", "x")
    read_settings(BrokerSettings)

    assert ["OSTINATO_\\x1b7 is no setting of this version, and ignored."] == said()
