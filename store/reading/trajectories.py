"""How the scores of patterns have moved, as the store knows it; the rules are in `store.rules.trajectory`."""

from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import accumulate
from typing import Any

from sqlalchemy import JSON, ColumnElement, Connection, Select, case, cast, func, select, true, type_coerce

from ostinato.identity import pattern_id
from store.database.tables import aliases, applications, inbox, patterns
from store.rules.scoring import Outcome
from store.rules.trajectory import Totals, Trajectory, moments, trajectory

_SIGHTING = "record_pattern"
# The first version of PostgreSQL that can check a text for being JSON without an error.
_CAN_CHECK = (16,)
# Rows are fetched a few thousand at a time, so that memory does not grow with their number.
_STREAMED = {"yield_per": 2_000}
_TOTALS = select(
    *(
        patterns.c.id,
        patterns.c.occurrence_count,
        patterns.c.first_seen,
        patterns.c.newest_success,
        patterns.c.variance,
    ),
    patterns.c.led_to_success_count.label("successes"),
    patterns.c.led_to_failure_count.label("failures"),
)


def trajectories(connection: Connection, ids: Collection[str], *, upto: int, points: int = 60) -> dict[str, Trajectory]:
    """How the scores of these patterns moved, each from its first sighting to ``upto``, at ``points`` moments at most.

    The last point is what a recalculation at ``upto`` would give, if no event time is later. Ids that no pattern has,
    and rows with impossible values, are left out. Reads every sighting in the inbox once, also those of other
    patterns, and keeps none in memory.
    """
    rows = connection.execute(_TOTALS.where(patterns.c.id.in_(sorted(ids)))).mappings()
    totals = {str(row["id"]): Totals(**{name: row[name] for name in Totals._fields}) for row in rows}
    at = {key: moments(each.first_seen, upto, points) for key, each in totals.items()}
    sightings = _sightings(connection, at)
    found: dict[str, Trajectory] = {}
    for key, each in totals.items():
        # Impossible values have no scores.
        with suppress(ValueError):
            found[key] = trajectory(each, at[key], sightings[key], _outcomes(connection, key))
    return found


def _outcomes(connection: Connection, key: str) -> Iterator[Outcome]:
    of = applications.c
    chosen = select(of.occurred_at, of.id, of.pattern_led_to_success, of.grounding_confidence)
    ordered = chosen.where(of.pattern_id == key).order_by(of.occurred_at, of.id)
    for row in connection.execute(ordered, execution_options=_STREAMED):
        yield Outcome(*row)


def _sightings(connection: Connection, at: Mapping[str, Sequence[int]]) -> dict[str, list[int]]:
    """For each pattern the number of sightings that are not later than each moment, and the number of all."""
    meant = {key: key for key in at}
    known = select(aliases.c.alias, aliases.c.pattern_id).where(aliases.c.pattern_id.in_(sorted(at)))
    meant.update(dict(connection.execute(known).all()))
    counts = {key: [0] * (len(each) + 1) for key, each in at.items()}
    for occurred_at, *names in connection.execute(_named_sightings(connection), execution_options=_STREAMED):
        # A value of another type, which no message brings, names no pattern.
        named = [each for each in names if isinstance(each, str)]
        if len(named) == len(names) and (key := meant.get(pattern_id(*named))) is not None:
            counts[key][bisect_left(at[key], occurred_at)] += 1
    return {key: list(accumulate(each)) for key, each in counts.items()}


def _named_sightings(connection: Connection) -> Select[int, Any, Any]:
    """When which pattern was sighted: of each content only the pattern's name is read, because there are many.

    A content that is not JSON any more, because it was changed in the database, has no name.
    """
    text = inbox.c.content
    on_sqlite = connection.dialect.name == "sqlite"
    content: ColumnElement[Any] = type_coerce(text, JSON) if on_sqlite else cast(text, JSON)
    readable = func.json_valid(text) == 1 if on_sqlite else _readable_by_postgresql(connection)
    names = (content["pattern_type"].as_string(), content["pattern_name"].as_string())
    # A condition in WHERE would not do: a database may evaluate the names before it.
    checked = (case((readable, name)) for name in names)
    return select(inbox.c.occurred_at, *checked).where(inbox.c.kind == _SIGHTING, text.is_not(None))


def _readable_by_postgresql(connection: Connection) -> ColumnElement[bool]:
    version = connection.dialect.server_version_info
    # Older servers cannot check: they need every content to be JSON.
    can_check = version is not None and version >= _CAN_CHECK
    return func.pg_input_is_valid(inbox.c.content, "jsonb") if can_check else true()
