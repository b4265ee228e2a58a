"""What people do without a queue: every call opens the SQLite file, and writes in a transaction of its own.

The tables and indexes are the product's; the statements are those that a careful person would write: they wait for
their turn at the start of the transaction, so that no update is lost.
"""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.traffic import TYPE, id_of, name_of, paced, seeded
from ostinato.messages.uuid7 import uuid7
from ostinato.sqlite_driver import sqlite_driver
from store.rules.identity import content_hash
from store.rules.scoring import Evidence, score
from worker.clock import now

_KNOWN = "SELECT 1 FROM patterns WHERE id = ?"
_SEEN = """
    UPDATE patterns SET occurrence_count = occurrence_count + 1, first_seen = min(first_seen, :at),
        last_seen = max(last_seen, :at)
    WHERE id = :id
"""
_FIRST_SEEN = """
    INSERT INTO patterns (
        id, pattern_type, pattern_name, stamps, content_hash, occurrence_count, led_to_success_count,
        led_to_failure_count, first_seen, last_seen, last_confirmed, active, "window", recent, grounding,
        effectiveness_score, priority_score, variance, trust_score, trust_calculated_at, quarantine_status
    ) VALUES (:id, :type, :name, '{}', :hash, 1, 0, 0, :at, :at, :at, 1, '[]', 0, 1, 0.5, 0.5, 0, 0.5, :at, 'pending')
"""
_APPLIED = """
    INSERT INTO applications VALUES (?, ?, 'run', ?, ?, ?, 0, 0, 'exploitation', NULL, NULL)
"""
_COUNTED = """
    UPDATE patterns SET led_to_success_count = led_to_success_count + :success,
        led_to_failure_count = led_to_failure_count + 1 - :success,
        last_confirmed = CASE WHEN :success THEN max(last_confirmed, :at) ELSE last_confirmed END
    WHERE id = :id
    RETURNING occurrence_count, led_to_success_count, led_to_failure_count, last_confirmed, variance
"""
_WINDOW = """
    SELECT avg(pattern_led_to_success), coalesce(avg(grounding_confidence), 1.0) FROM (
        SELECT pattern_led_to_success, grounding_confidence FROM applications WHERE pattern_id = ?
        ORDER BY occurred_at DESC, id DESC LIMIT 5
    )
"""
_SCORED = """
    UPDATE patterns SET recent = ?, grounding = ?, effectiveness_score = ?, priority_score = ? WHERE id = ?
"""


@contextmanager
def transaction(path: Path) -> Generator[Any]:
    """A connection of this call's own, and one transaction."""
    connection = sqlite_driver().connect(str(path), isolation_level=None, timeout=30)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("BEGIN IMMEDIATE")
        yield connection
        connection.execute("COMMIT")
    finally:
        connection.close()


def record_pattern(path: Path, pattern_type: str, name: str, pattern_id: str) -> None:
    """One sighting: is it there already? Then count, else insert."""
    values = {"id": pattern_id, "type": pattern_type, "name": name, "at": now()}
    with transaction(path) as connection:
        if connection.execute(_KNOWN, (pattern_id,)).fetchone():
            connection.execute(_SEEN, values)
        else:
            values["hash"] = content_hash(pattern_type, name, None, None)
            connection.execute(_FIRST_SEEN, values)


def record_application(path: Path, pattern_id: str, *, success: bool) -> None:
    """One application, and the scores that follow."""
    at = now()
    with transaction(path) as connection:
        (counted,) = connection.execute(_COUNTED, {"id": pattern_id, "success": success, "at": at}).fetchall()
        connection.execute(_APPLIED, (str(uuid7()), pattern_id, at, at, success))
        window = connection.execute(_WINDOW, (pattern_id,)).fetchone()
        scores = score(Evidence(*counted[:3], *window, *counted[3:]), at)
        connection.execute(_SCORED, (*window, scores.effectiveness, scores.priority, pattern_id))


def writing(path: Path, seed: int, patterns: int, seconds: float) -> Callable[[], float]:
    """A process that writes sightings and applications in turn as fast as it can; how many a second."""
    random = seeded(seed)
    ids = [id_of(pattern) for pattern in range(patterns)]

    def write() -> float:
        began, count = time.monotonic(), 0
        while (passed := time.monotonic() - began) < seconds:
            pattern = random.randrange(patterns)
            if count % 2:
                record_pattern(path, TYPE, name_of(pattern), ids[pattern])
            else:
                record_application(path, ids[pattern], success=random.random() < 0.6)  # noqa: PLR2004 - three in five
            count += 1
        return count / passed

    return write


def calling(path: Path, seed: int, patterns: int, a_second: float, seconds: float) -> Callable[[], list[float]]:
    """A process that writes sightings at a pace; the seconds that each call took."""
    random = seeded(seed)

    def call() -> None:
        pattern = random.randrange(patterns)
        record_pattern(path, TYPE, name_of(pattern), id_of(pattern))

    return lambda: paced(call, random, a_second, seconds)
