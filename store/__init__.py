"""What is true: the learning store itself, for those who ask it.

    from store import Store

    with Store("sqlite:////var/lib/ostinato/store.db") as store:
        for pattern in store.patterns(pattern_type="flaky_test", limit=5):
            print(pattern.priority_score, pattern.pattern_name, pattern.suggested_action)

Importing this loads no database driver: that happens when `Store` is first named.
"""

from typing import TYPE_CHECKING, Any

from ostinato.errors import OstinatoError
from ostinato.identity import pattern_id
from store.errors import AmbiguousPrefix, NotFound, StoreOutdated, StoreUnavailable
from store.reading.records import Pattern, RecordedApplication, Stats

if TYPE_CHECKING:
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


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the module has
    # A producer imports this package for its pure rules only, and must not pay for SQLAlchemy.
    if name == "Store":
        from store.reading.store import Store  # noqa: PLC0415 - see above

        return Store
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
