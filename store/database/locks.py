"""Advisory locks of PostgreSQL: on the whole store, or on some patterns and contents, so that others run beside.

Deadlock-free: a transaction blocks for locks only at its start, in sorted order; later it only tries
(``pg_try_advisory_xact_lock``), and starts over if it fails. The inbox has messages in the order of their locks: an
inbox row is written only when the transaction holds every lock that its effect needs.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection

from ostinato.identity import slot_of

# The lock on the whole store: any number that no other program uses in this database.
_WRITER = 0x6F7374696E61746F
# The kinds of the other locks. A lock of two numbers is never the same as a lock of one number.
_SLOTS, _CONTENTS = 0x6F737401, 0x6F737402
_ALL = "SELECT pg_advisory_xact_lock(%s)"
_SOME = """
SELECT pg_advisory_xact_lock_shared(%s)
UNION ALL SELECT pg_advisory_xact_lock(kind, key) FROM unnest(%s::int[], %s::int[]) AS wanted(kind, key)
"""
_MORE = """
SELECT count(*) FROM unnest(%s::int[], %s::int[]) AS wanted(kind, key) WHERE NOT pg_try_advisory_xact_lock(kind, key)
"""
_OPTION = "locks"


@dataclass(frozen=True, slots=True)
class Locks:
    """Locks on content hashes and on slots; a slot stands for all patterns whose ids fall into it."""

    keys: frozenset[tuple[int, int]] = frozenset()

    @classmethod
    def of_patterns(cls, ids: Iterable[str]) -> "Locks":
        """The locks of everything known under these ids: patterns, aliases, parked messages."""
        return cls(frozenset((_SLOTS, slot_of(each)) for each in ids))

    @classmethod
    def of_contents(cls, hashes: Iterable[str]) -> "Locks":
        """The locks of the question which patterns have these content hashes."""
        return cls(frozenset((_CONTENTS, int.from_bytes(bytes.fromhex(each)[:4], signed=True)) for each in hashes))

    def __or__(self, other: "Locks") -> "Locks":
        return Locks(self.keys | other.keys)

    def __sub__(self, other: "Locks") -> "Locks":
        return Locks(self.keys - other.keys)

    def as_arrays(self) -> tuple[list[int], list[int]]:
        """Kinds and keys, in the order in which every transaction takes them."""
        ordered = sorted(self.keys)
        return [kind for kind, _ in ordered], [key for _, key in ordered]


class LockedElsewhere(Exception):
    """The transaction needs more locks than it holds: begin it again with ``wanted``."""

    def __init__(self, wanted: Locks) -> None:
        super().__init__(f"{len(wanted.keys)} locks are wanted")
        self.wanted = wanted


class Held:
    """The locks that a transaction holds; None means the lock on the whole store."""

    def __init__(self, connection: Connection, locks: Locks | None) -> None:
        self._connection = connection
        self._locks = locks

    def add(self, wanted: Locks) -> bool:
        """Take these locks too; True if some are new: then read again what they guard. LockedElsewhere."""
        if self._locks is None or not (more := wanted - self._locks).keys:
            return False
        together = self._locks | more
        if self._connection.exec_driver_sql(_MORE, more.as_arrays()).scalar_one():
            raise LockedElsewhere(together)
        self._locks = together
        return True

    def require(self, wanted: Locks) -> None:
        """LockedElsewhere unless all of these are held."""
        if self._locks is not None and (wanted - self._locks).keys:
            raise LockedElsewhere(self._locks | wanted)


def turning(connection: Connection, locks: Locks | None) -> Connection:
    """The connection; its next transaction waits for these locks, or for the whole store."""
    return connection.execution_options(**{_OPTION: locks})


def take_turn(connection: Connection) -> None:
    """Wait, at the beginning of a transaction on PostgreSQL, for the locks that `turning` named."""
    locks: Locks | None = connection.get_execution_options().get(_OPTION)
    if locks is None:
        connection.exec_driver_sql(_ALL, (_WRITER,))
    else:
        connection.exec_driver_sql(_SOME, (_WRITER, *locks.as_arrays()))
