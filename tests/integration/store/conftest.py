"""A store for each test. Nothing else in these tests knows which database it is, but for what is special about one."""

import shutil
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

import pytest

from store.reading import Store
from store.schema import migrate
from store.transaction import Writer
from tests.integration.store.bench import Bench


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the schema, to be copied: migrating each one costs more than most tests."""
    path = tmp_path_factory.mktemp("migrated") / "store.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    """The URL of an empty database of this test's own."""
    return f"sqlite:///{tmp_path}/store.db"


@pytest.fixture
def bench(store_url: str, migrated: Path, tmp_path: Path) -> Generator[Bench]:
    """An empty store, ready."""
    shutil.copy(migrated, tmp_path)
    with closing(Writer(store_url)) as writer, Store(store_url) as store:
        yield Bench(store_url, writer, store)
