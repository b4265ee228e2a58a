"""The predecessor's file: copied, then read from the copy, so it is never written to or locked for long."""

import sqlite3
import tempfile
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ostinato.errors import ConfigurationError

Row = Mapping[str, object]
PATTERNS = "patterns"
APPLICATIONS = "pattern_applications"
# Whole statements, because the name of a table cannot be a parameter.
_ROWS = {
    PATTERNS: "SELECT * FROM patterns ORDER BY id",
    APPLICATIONS: "SELECT * FROM pattern_applications ORDER BY id",
}
_COUNTS = {
    PATTERNS: "SELECT count(*) FROM patterns",
    APPLICATIONS: "SELECT count(*) FROM pattern_applications",
}
_MAGIC = b"SQLite format 3\0"
_READ_VERSION = 19
_WAL = 2
_BUSY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Source:
    """The rows of a predecessor's database at one moment; bytes that are not UTF-8 become surrogates."""

    connection: sqlite3.Connection

    def version(self) -> int | None:
        """The version of its schema, None if unknown."""
        try:
            found: object = self.connection.execute("SELECT max(version) FROM schema_version").fetchone()[0]
        except sqlite3.OperationalError:
            return None
        return found if isinstance(found, int) else None

    def count(self, table: str) -> int:
        """How many rows a table has."""
        return int(self.connection.execute(_COUNTS[table]).fetchone()[0])

    def rows(self, table: str) -> Iterator[Row]:
        """Every row, by id; a row lacks the columns that the file's version lacks."""
        cursor = self.connection.execute(_ROWS[table])
        names = [column[0] for column in cursor.description]
        return (dict(zip(names, values, strict=True)) for values in cursor)


@contextmanager
def opened(path: Path) -> Generator[Source]:
    """The database in a file, as it is now; ConfigurationError if it is none or cannot be read."""
    try:
        with tempfile.TemporaryDirectory(prefix="ostinato-import-") as folder:
            copy = Path(folder) / "copy.db"
            _copy(path.resolve(), copy)
            with closing(sqlite3.connect(copy)) as connection:
                connection.text_factory = _text
                _require_tables(connection, path)
                yield Source(connection)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from error
    except sqlite3.Error as error:
        raise ConfigurationError(f"{path} cannot be read: {error}.") from error


def _copy(path: Path, copy: Path) -> None:
    with path.open("rb") as file:
        header = file.read(100)
    if not header.startswith(_MAGIC):
        raise ConfigurationError(f"{path} is no SQLite database.")
    # Opening a database in WAL mode creates a missing log and its index. Without a log, no process has the database
    # open, so the file can be read as one that does not change.
    before = _state(path)
    resting = header[_READ_VERSION] == _WAL and not _log(path).exists()
    options = "mode=ro&immutable=1" if resting else "mode=ro"
    with (
        closing(sqlite3.connect(f"{path.as_uri()}?{options}", uri=True, timeout=_BUSY_SECONDS)) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        # A copy would wait for a lock for ever; this query gives up.
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()
        source.backup(target)
    if resting and (_log(path).exists() or before != _state(path)):
        raise ConfigurationError(f"{path} was written to while it was read: run the command again.")


def _log(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def _state(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def _require_tables(connection: sqlite3.Connection, path: Path) -> None:
    found = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    missing = [name for name in (PATTERNS, APPLICATIONS) if name not in found]
    if missing:
        raise ConfigurationError(
            f"{path} is no learning database of the predecessor: it has no table {' and no table '.join(missing)}."
        )


def _text(data: bytes) -> str:
    return data.decode(errors="surrogateescape")
