"""Which SQLite is used: the bundled one if it is installed, else Python's own."""

import importlib
import sqlite3
from types import ModuleType

# The bug can corrupt a database in WAL mode when a reset of the log races with a checkpoint.
_WAL_RESET_BUG = ((3, 7, 0), (3, 51, 3))
_WAL_RESET_FIXED = ((3, 50, 7), (3, 44, 6))


def sqlite_driver() -> ModuleType:
    """The bundled SQLite if it is installed, because it has the fewest bugs; else Python's own."""
    try:
        return importlib.import_module("pysqlite3.dbapi2")
    except ImportError:
        return sqlite3


def has_wal_reset_bug(version: tuple[int, int, int]) -> bool:
    """Whether an SQLite of this version can corrupt a database in WAL mode."""
    first, fixed = _WAL_RESET_BUG
    patched = any(version[:2] == fix[:2] and version >= fix for fix in _WAL_RESET_FIXED)
    return first <= version < fixed and not patched
