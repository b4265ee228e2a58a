"""Stores as they are after some time: with patterns, and with applications of them."""

from collections.abc import Generator, Iterable
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.traffic import Said, sighting
from ostinato.messages.models import BATCH_COUNT
from ostinato.sqlite_driver import sqlite_driver
from store.database.schema import migrate
from store.rules.scoring import DAY
from store.writing.applying import apply
from store.writing.transaction import Writer
from tasks.events import effect
from worker.clock import now

TYPES, TAGS = 12, 40
_NUMBERS = "WITH RECURSIVE number(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM number WHERE i + 1 < :count)"
# Ids in no order, as hashes are; every row with the texts and counts that messages would have left there.
_PATTERNS = f"""
    INSERT INTO patterns (
        id, pattern_type, pattern_name, context_tags, stamps, content_hash, occurrence_count, led_to_success_count,
        led_to_failure_count, first_seen, last_seen, newest_success, last_confirmed, active, "window", recent,
        grounding, effectiveness_score, priority_score, variance, trust_score, trust_calculated_at, quarantine_status
    ) {_NUMBERS}
    SELECT printf('%08x%08x', i * 2654435761 % 4294967296, i), 'type ' || (i % {TYPES}), 'pattern ' || i,
        json_array('tag ' || (i % {TAGS}), 'tag ' || (i / {TYPES} % {TAGS})),
        json_object('pattern_name', json_array(:now - {DAY}, 'm')), printf('%032x', i), 1 + i % 150, i % 6, 5 - i % 6,
        :now - 40 * {DAY}, :now - i % 30 * {DAY}, :now - i % 30 * {DAY}, :now - i % 30 * {DAY}, 1, json_array(
            json_array(:now - i % 30 * {DAY}, printf('%d-4', i), json(iif(i % 6 > 4, 'true', 'false')), null),
            json_array(:now - i % 30 * {DAY}, printf('%d-3', i), json(iif(i % 6 > 3, 'true', 'false')), null),
            json_array(:now - i % 30 * {DAY}, printf('%d-2', i), json(iif(i % 6 > 2, 'true', 'false')), null),
            json_array(:now - i % 30 * {DAY}, printf('%d-1', i), json(iif(i % 6 > 1, 'true', 'false')), null),
            json_array(:now - i % 30 * {DAY}, printf('%d-0', i), json(iif(i % 6 > 0, 'true', 'false')), null)
        ), i % 6 / 5.0, 1.0, 0.5, i * 7919 % 100003 / 100003.0, 0.0, 0.5, :now, 'pending'
    FROM number ORDER BY 1
"""  # noqa: S608 - numbers of ours
# Those of the keys stay: the others are made faster afterwards than row by row.
_INDEXES = """
    SELECT name, sql FROM sqlite_master
    WHERE type = 'index' AND tbl_name IN ('patterns', 'applications', 'pattern_tags') AND sql IS NOT NULL
"""
_APPLICATIONS = """
    INSERT INTO applications
    SELECT substr(p.id, 9) || '-' || k.value, p.id, 'run', last_seen, last_seen, led_to_success_count > k.value, 0, 0,
        'exploitation', NULL, NULL
    FROM patterns AS p, json_each('[0, 1, 2, 3, 4]') AS k ORDER BY p.id, k.value
"""
_TAGGED = "INSERT INTO pattern_tags SELECT DISTINCT p.id, tag.value FROM patterns AS p, json_each(context_tags) AS tag"


def say(url: str, messages: Iterable[Said]) -> None:
    """Apply messages to the store at a URL, in batches, as the worker does."""
    with closing(Writer(url)) as writer:
        rest = iter(messages)
        while events := [effect(message) for message in islice(rest, BATCH_COUNT)]:
            with writer.transaction(now) as transaction:
                apply(transaction, events, task="apply_batch", delivery="benchmark")


def fill(url: str, patterns: int) -> None:
    """Patterns that were each seen once, in a new store of any kind."""
    migrate(url)
    say(url, (sighting(number) for number in range(patterns)))


def fill_large(path: Path, patterns: int) -> None:
    """Patterns with five applications and up to two tags each, in a new store on SQLite."""
    migrate(f"sqlite:///{path}")
    with raw(path) as connection:
        connection.execute("BEGIN IMMEDIATE")
        indexes = connection.execute(_INDEXES).fetchall()
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}")
        connection.execute(_PATTERNS, {"count": patterns, "now": now()})
        connection.execute(_APPLICATIONS)
        connection.execute(_TAGGED)
        for _, statement in indexes:
            connection.execute(statement)
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def age(path: Path, days: int = 1) -> None:
    """Make every pattern's last confirmation older, which changes the scores of all that were applied often enough."""
    with raw(path) as connection:
        connection.execute("UPDATE patterns SET last_confirmed = last_confirmed - ?", (days * DAY,))


@contextmanager
def raw(path: Path) -> Generator[Any]:
    """A connection past the product, synced as its own is, each statement of which is a transaction unless one begins.

    As untyped as the driver that the product takes.
    """
    with closing(sqlite_driver().connect(str(path), isolation_level=None, timeout=30)) as connection:
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA cache_size=-65536")
        yield connection
