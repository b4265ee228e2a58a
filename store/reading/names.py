"""Finding a row by its id, by an alias, or by the beginning of either."""

import sys

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
    exact = select(patterns.c.id).where(patterns.c.id == name)
    alias = select(aliases.c.pattern_id).where(aliases.c.alias == name)
    found = list(connection.execute(exact.union(alias)).scalars())
    if not found and len(name) >= SHORTEST_PREFIX:
        found = _beginning_with(connection, name)
    if not found:
        raise NotFound(f"No pattern is called {name!r}.")
    if len(found) > 1:
        raise AmbiguousPrefix(f"{name!r} is the beginning of {len(found)} ids or more: {', '.join(sorted(found))}.")
    return str(found[0])


def begins_with(key: ColumnElement[str], prefix: str) -> ColumnElement[bool]:
    """Whether a key, a column that is compared by its bytes, begins with a text."""
    # A range, not LIKE: that ignores case in one database, and no index serves it in the other.
    return key.between(prefix, prefix + chr(sys.maxunicode))


def _beginning_with(connection: Connection, prefix: str) -> list[str]:
    exact = select(patterns.c.id).where(begins_with(patterns.c.id, prefix))
    alias = select(aliases.c.pattern_id).where(begins_with(aliases.c.alias, prefix))
    return list(connection.execute(exact.union(alias).limit(5)).scalars())
