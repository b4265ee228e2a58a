"""Recalculation as it is written first: for every pattern a question, the rule in Python, and an update."""

from pathlib import Path
from time import monotonic

from benchmarks.filling import raw
from store.rules.scoring import Evidence, score
from worker.clock import now

_PATTERNS = """
    SELECT id, occurrence_count, led_to_success_count, led_to_failure_count, last_confirmed, variance FROM patterns
"""
_WINDOW = """
    SELECT avg(pattern_led_to_success), coalesce(avg(grounding_confidence), 1.0) FROM (
        SELECT pattern_led_to_success, grounding_confidence FROM applications WHERE pattern_id = ?
        ORDER BY occurred_at DESC, id DESC LIMIT 5
    )
"""
_SCORED = "UPDATE patterns SET effectiveness_score = ?, priority_score = ? WHERE id = ?"


def recalculate(path: Path) -> float:
    """Recompute the scores of all patterns, on one connection and in one transaction; the seconds it took."""
    began, clock = monotonic(), now()
    with raw(path) as connection:
        connection.execute("BEGIN IMMEDIATE")
        for key, count, successes, failures, confirmed, variance in connection.execute(_PATTERNS).fetchall():
            recent, grounding = connection.execute(_WINDOW, (key,)).fetchone()
            evidence = Evidence(count, successes, failures, recent, grounding, confirmed, variance)
            scores = score(evidence, clock)
            connection.execute(_SCORED, (scores.effectiveness, scores.priority, key))
        connection.execute("COMMIT")
    return monotonic() - began
