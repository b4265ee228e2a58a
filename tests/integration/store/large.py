"""A store with many patterns, and how much work a database has with a question: counted, because times vary."""

from collections.abc import Callable, Generator
from contextlib import closing, contextmanager

from sqlalchemy import Connection, make_url, text

from store.database.engines import writer_engine
from tests.servers import postgresql

_NUMBERS = "WITH RECURSIVE number(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM number WHERE i + 1 < {count})"
# Priorities in no order; a common and a rare value of everything that can be asked for.
_PATTERNS = """
    INSERT INTO patterns (
        id, pattern_type, pattern_name, stamps, content_hash, occurrence_count, led_to_success_count,
        led_to_failure_count, first_seen, last_seen, last_confirmed, active, "window", recent, grounding,
        effectiveness_score, priority_score, variance, trust_score, trust_calculated_at, quarantine_status,
        instrument_name
    ) {numbers}
    SELECT 'p' || CAST(1000000 + i AS VARCHAR), CASE WHEN i % 4000 = 7 THEN 'rare' ELSE 'type' END, 'name', '{{}}', 'h',
        1, 0, 0, 1, i % 1000, 1, i % 10 > 0, '[]', 0.0, 1.0, 0.5,
        (i * CAST(7919 AS BIGINT)) % 40009 / 40009.0, 0.0, i % 1000 / 1000.0, 1,
        CASE WHEN i % 4000 = 7 THEN 'validated' ELSE 'pending' END,
        CASE WHEN i % 4000 = 7 THEN 'rare' WHEN i % 2 = 0 THEN 'instrument' END
    FROM number
"""
_TAGS = """
    INSERT INTO pattern_tags (pattern_id, tag) {numbers}
    SELECT 'p' || CAST(1000000 + i AS VARCHAR), CASE WHEN i % 4000 = 7 THEN 'rare' ELSE 'tag' END
    FROM number WHERE i % 3 = 1
"""


def fill(url: str, count: int) -> None:
    """This many patterns."""
    engine = writer_engine(make_url(url))
    numbers = _NUMBERS.format(count=count)
    with engine.begin() as connection:
        for statement in (_PATTERNS, _TAGS):
            connection.exec_driver_sql(statement.format(numbers=numbers).replace("%", "%" * _doubled(connection)))
    if engine.dialect.name == "postgresql":
        # As its autovacuum does by itself, soon.
        with closing(postgresql.connect(make_url(url))) as own:
            own.execute("VACUUM ANALYZE")
    engine.dispose()


@contextmanager
def counted_work(connection: Connection) -> Generator[Callable[[], int]]:
    """What gives the work of the statements since: PostgreSQL's in rows visited, SQLite's in steps of its machine."""
    if connection.dialect.name == "postgresql":
        # The server adds up over a connection's transactions.
        before = _visited(connection)
        yield lambda: _visited(connection) - before
        return
    steps: list[None] = []
    driver = connection.connection.driver_connection
    assert driver is not None
    driver.set_progress_handler(lambda: steps.append(None), 10)
    yield lambda: len(steps)
    driver.set_progress_handler(None, 0)


def _visited(connection: Connection) -> int:
    visited = "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables"
    return int(connection.execute(text(visited)).scalar_one())


def _doubled(connection: Connection) -> int:
    # The drivers read a percent sign differently in a statement without parameters.
    return 1 if connection.dialect.name == "sqlite" else 2
