"""What is true: the learning store, for programs that ask it.

    from store import Store

    with Store("sqlite:////var/lib/ostinato/store.db") as store:
        for pattern in store.patterns(pattern_type="flaky_test", limit=5):
            print(pattern.priority_score, pattern.pattern_name, pattern.suggested_action)

Importing this package loads nothing else: each name loads its module when it is first used, and only `Store` loads
SQLAlchemy.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ostinato.errors import OstinatoError
    from ostinato.identity import pattern_id
    from store.errors import AmbiguousPrefix, NotFound, StoreOutdated, StoreUnavailable
    from store.reading.records import Pattern, RecordedApplication, Stats
    from store.reading.store import Store

__all__ = [
    "AmbiguousPrefix",
    "NotFound",
    "OstinatoError",
    "Pattern",
    "RecordedApplication",
    "Stats",
    "Store",
    "StoreOutdated",
    "StoreUnavailable",
    "pattern_id",
]

_MODULE_OF = {
    "OstinatoError": "ostinato.errors",
    "Pattern": "store.reading.records",
    "RecordedApplication": "store.reading.records",
    "Stats": "store.reading.records",
    "Store": "store.reading.store",
    "pattern_id": "ostinato.identity",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_MODULE_OF.get(name, "store.errors")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
