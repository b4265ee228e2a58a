"""Applications and soft deletes that arrived before their pattern (spec 5.2, 5.3)."""

from ostinato.identity import pattern_id
from store.database.tables import applications, parked, patterns
from tests.integration.store.bench import DAY, NOW, Bench, application, rescore, sighting, soft_delete

N = pattern_id("T", "n")
PARKED = {"pattern_id": N, "reason": "pattern_not_found", "delivery": "delivery"}


def test_an_application_of_an_unknown_pattern_is_parked(bench: Bench) -> None:
    """Stored, counted and logged with its reason; nothing is dropped (spec 5.2)."""
    event = application(N, "S", -2)
    bench.apply(event)

    row = bench.row(parked)
    assert (event.id, event.kind, N) == (row["message_id"], row["kind"], row["pattern_id"])
    assert (NOW - 2 * DAY, NOW, "pattern_not_found") == (row["occurred_at"], row["parked_at"], row["reason"])
    assert [
        {"event": "pattern_application_parked", "log_level": "info"} | PARKED | {"message_id": event.id}
    ] == bench.logs
    assert (0, 1, 0, 0) == bench.ledger()


def test_a_delete_of_an_unknown_pattern_is_parked(bench: Bench) -> None:
    """So that a delete that overtakes its sighting still counts (spec 5.3)."""
    event = soft_delete(N)
    bench.apply(event)

    assert [{"event": "pattern_delete_parked", "log_level": "info"} | PARKED | {"message_id": event.id}] == bench.logs
    assert (0, 1, 0, 0) == bench.ledger()


def test_an_application_is_adopted_the_moment_its_pattern_appears(bench: Bench) -> None:
    """With every field, at the clock of that moment (spec 5.1, step 3; 5.2)."""
    waiting = application(
        N,
        "F",
        -2,
        execution_id="ünï 'x'",
        retry_count_before=1,
        retry_count_after=2,
        application_mode="exploration",
        validation_passed=True,
        grounding_confidence=0.1,
    )
    bench.apply(waiting, now=NOW - DAY)
    bench.apply(sighting("n", -1))

    expected = {
        "id": waiting.id,
        "pattern_id": N,
        "execution_id": "ünï 'x'",
        "occurred_at": NOW - 2 * DAY,
        "applied_at": NOW,
        "pattern_led_to_success": False,
        "retry_count_before": 1,
        "retry_count_after": 2,
        "application_mode": "exploration",
        "validation_passed": True,
        "grounding_confidence": 0.1,
    }
    assert expected == bench.row(applications)
    assert [] == bench.rows(parked)
    assert (2, 0, 0, 0) == bench.ledger()
    assert (1, 0.55) == (bench.row(patterns)["led_to_failure_count"], bench.row(patterns)["effectiveness_score"])


def test_an_update_does_not_wait(bench: Bench) -> None:
    """There is nothing to recompute once the pattern appears (spec 5.4)."""
    bench.apply(rescore(N), sighting())

    assert 0.5 == bench.row(patterns)["effectiveness_score"]
    assert [] == bench.rows(parked)
