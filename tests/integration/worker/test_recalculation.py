"""A recalculation of many patterns: it goes through the queue, and lets the messages behind it pass."""

from ostinato.messages.models import BATCH_COUNT, ApplyBatch, RecalculateAllPatternPriorities, RecordPattern
from store.database.tables import inbox, patterns, recalculations
from store.writing.recalculation import CHUNK
from tests.product import Product
from tests.waiting import wait_until

PATTERNS = 2 * CHUNK + 1_000


def test_messages_are_applied_while_it_runs(embedded: Product) -> None:
    """Those sent after it are applied after its beginning and before its end; in the end every score is recomputed."""
    sightings = [RecordPattern(pattern_type="test", pattern_name=f"pattern {n}") for n in range(PATTERNS)]
    batches = [ApplyBatch(messages=sightings[at : at + BATCH_COUNT]) for at in range(0, PATTERNS, BATCH_COUNT)]
    recalculation = RecalculateAllPatternPriorities()
    later = [RecordPattern(pattern_type="later", pattern_name=f"pattern {n}") for n in range(20)]
    embedded.send(*batches, recalculation, *later)
    with embedded.worker():
        embedded.wait_for(patterns=PATTERNS + len(later))
        wait_until(lambda: embedded.store.recalculated(str(recalculation.id)), why="the recalculation is finished")
    [run] = embedded.rows(recalculations)
    applied = {row["message_id"]: row["applied_at"] for row in embedded.rows(inbox)}
    for message in later:
        assert run["clock"] < applied[str(message.id)] < run["finished_at"]
    assert {0.55} == {row["effectiveness_score"] for row in embedded.rows(patterns) if row["pattern_type"] == "test"}
