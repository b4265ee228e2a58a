"""Asking the store how the scores of patterns have moved; the rules are in `course`."""

from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

from sqlalchemy import JSON, ColumnElement, Connection, Select, case, cast, func, select, true, type_coerce

from ostinato.identity import pattern_id
from store.database.tables import aliases, applications, inbox, patterns
from store.reading.store import Store
from store.rules.scoring import Outcome
from store.rules.trajectory import Course, Whole, course, moments

_SIGHTING = "record_pattern"
# The first version of PostgreSQL that says, without an error, whether a text is JSON.
_CAN_SAY = (16,)
# Rows are taken as they come, some at a time, however many there are.
_STREAMED = {"yield_per": 2_000}
_WHOLE = select(
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


class Past(Store):
    """A store, for reading, together with how its patterns came to what they are."""

    def courses(self, ids: Collection[str], *, upto: int, points: int = 60) -> dict[str, Course]:
        """How the scores of these patterns moved, from each one's first sighting to ``upto``, at so many moments.

        All of one state of the store: the last stand is what a recalculation of that state at ``upto`` would give,
        where no event time is later. Ids that no pattern has, and rows with impossible values, are left out. Reads
        every sighting in the inbox once, whatever it is of, and keeps none.
        """
        with self._reading() as connection:
            rows = connection.execute(_WHOLE.where(patterns.c.id.in_(sorted(ids)))).mappings()
            wholes = {str(row["id"]): Whole(**{name: row[name] for name in Whole._fields}) for row in rows}
            at = {key: moments(whole.first_seen, upto, points) for key, whole in wholes.items()}
            sightings = _sightings(connection, at)
            found = {key: _course(connection, key, wholes[key], at[key], sightings[key]) for key in wholes}
        return {key: each for key, each in found.items() if each is not None}


def _course(
    connection: Connection, key: str, whole: Whole, at: Sequence[int], sightings: Sequence[int]
) -> Course | None:
    try:
        return course(whole, at, sightings, _outcomes(connection, key))
    except ValueError:
        return None


def _outcomes(connection: Connection, key: str) -> Iterator[Outcome]:
    of = applications.c
    chosen = select(of.occurred_at, of.id, of.pattern_led_to_success, of.grounding_confidence)
    ordered = chosen.where(of.pattern_id == key).order_by(of.occurred_at, of.id)
    for row in connection.execute(ordered, execution_options=_STREAMED):
        yield Outcome(*row)


def _sightings(connection: Connection, at: Mapping[str, Sequence[int]]) -> dict[str, list[int]]:
    """For each pattern how many sightings are not later than each moment, and how many there are at all."""
    meant = {key: key for key in at}
    known = select(aliases.c.alias, aliases.c.pattern_id).where(aliases.c.pattern_id.in_(sorted(at)))
    meant.update(dict(connection.execute(known).all()))
    counts = {key: [0] * (len(each) + 1) for key, each in at.items()}
    for occurred_at, *names in connection.execute(_said(connection), execution_options=_STREAMED):
        # Another type of value, as no message brings it, names no pattern either.
        named = [each for each in names if isinstance(each, str)]
        if len(named) == len(names) and (key := meant.get(pattern_id(*named))) is not None:
            counts[key][bisect_left(at[key], occurred_at)] += 1
    return {key: list(accumulate(each)) for key, each in counts.items()}


def _said(connection: Connection) -> Select[int, Any, Any]:
    """When which pattern was sighted: of a message's content nothing but its name is read, because there are many.

    Where somebody has made the content something else than JSON, there is no name.
    """
    text = inbox.c.content
    on_sqlite = connection.dialect.name == "sqlite"
    content: ColumnElement[Any] = type_coerce(text, JSON) if on_sqlite else cast(text, JSON)
    readable = func.json_valid(text) == 1 if on_sqlite else _readable_by_postgresql(connection)
    names = (content["pattern_type"].as_string(), content["pattern_name"].as_string())
    # A condition would not do: a database is free to look at the names first.
    told = (case((readable, name)) for name in names)
    return select(inbox.c.occurred_at, *told).where(inbox.c.kind == _SIGHTING, text.is_not(None))


def _readable_by_postgresql(connection: Connection) -> ColumnElement[bool]:
    version = connection.dialect.server_version_info
    # Older servers cannot say; to them everything has to be readable.
    can_say = version is not None and version >= _CAN_SAY
    return func.pg_input_is_valid(inbox.c.content, "jsonb") if can_say else true()
