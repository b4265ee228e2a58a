"""Finding a row by its id, by an alias, or by the beginning of either."""

import sys
from collections.abc import Callable

from sqlalchemy import ColumnElement, Connection, select

from store.database.tables import aliases, patterns
from store.errors import AmbiguousPrefix, NotFound

SHORTEST_PREFIX = 6


def id_of(connection: Connection, name: str) -> str:
    """The id of the pattern that an id or alias names, or that the first 6 or more characters of one name.

    NotFound if no pattern has that name; AmbiguousPrefix if several ids or aliases begin with it.
    """
    if not name.isprintable():
        # No id has such characters, and databases refuse some of them.
        raise NotFound(f"No pattern is called {name!r}.")
    found = _ids(connection, lambda key: key == name)
    if not found and len(name) >= SHORTEST_PREFIX:
        found = _ids(connection, lambda key: begins_with(key, name))
    if not found:
        raise NotFound(f"No pattern is called {name!r}.")
    if len(found) > 1:
        raise AmbiguousPrefix(f"{name!r} is the beginning of {len(found)} ids or more: {', '.join(sorted(found))}.")
    return found[0]


def begins_with(key: ColumnElement[str], prefix: str) -> ColumnElement[bool]:
    """Whether a key, a column that is compared by its bytes, begins with a text."""
    # A range, not LIKE: that ignores case in one database, and no index serves it in the other.
    return key.between(prefix, prefix + chr(sys.maxunicode))


def _ids(connection: Connection, meets: Callable[[ColumnElement[str]], ColumnElement[bool]]) -> list[str]:
    """The first ids of patterns that meet a condition themselves, or by an alias."""
    own = select(patterns.c.id).where(meets(patterns.c.id))
    by_alias = select(aliases.c.pattern_id).where(meets(aliases.c.alias))
    return list(connection.execute(own.union(by_alias).limit(5)).scalars())
