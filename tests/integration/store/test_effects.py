"""What each message does to the store (spec 5.1 to 5.4)."""

from dataclasses import asdict

from ostinato.identity import pattern_id
from store.database.tables import applications, inbox, pattern_tags, patterns, quarantine
from store.rules.identity import content_hash
from tests.integration.store.bench import DAY, NOW, Bench, application, rescore, sighting, soft_delete

N = pattern_id("T", "n")


def test_a_first_sighting_inserts_its_pattern(bench: Bench) -> None:
    """With the counts, times and scores that the specification gives (spec 5.1, step 3)."""
    event = sighting(
        "n",
        -3,
        description="d",
        context_tags=["b", "a", "b"],
        suggested_action="s",
        provenance={"job_hash": "j", "sheet_num": 7},
        instrument_name="i",
    )
    bench.apply(event)

    found = asdict(bench.store.pattern(N))
    moments = {found.pop(name) for name in ("first_seen", "last_seen", "last_confirmed")}
    assert [event.occurred_at] == [round(each.timestamp() * 1e6) for each in moments]
    assert event.occurred_at == bench.row(patterns)["trust_calculated_at"]
    assert {
        "id": N,
        "pattern_type": "T",
        "pattern_name": "n",
        "description": "d",
        "context_tags": ("b", "a", "b"),
        "suggested_action": "s",
        "instrument_name": "i",
        "provenance_job_hash": "j",
        "provenance_sheet_num": 7,
        "occurrence_count": 1,
        "led_to_success_count": 0,
        "led_to_failure_count": 0,
        "effectiveness_score": 0.5,
        "priority_score": 0.5,
        "variance": 0.0,
        "trust_score": 0.5,
        "quarantine_status": "pending",
        "content_hash": content_hash("T", "n", "d", None),
        "active": True,
    } == found


def test_tags_of_the_newest_sighting_that_has_any_are_kept(bench: Bench) -> None:
    """Null keeps what is stored, an empty list clears it, also for the filter by tag (spec 5.1, step 1)."""
    bench.apply(sighting("n", -9, context_tags=["a", "b"]), sighting("n", -8))
    assert ["a", "b"] == [row["tag"] for row in bench.rows(pattern_tags)]

    bench.apply(sighting("n", -7, context_tags=["c"]), sighting("n", -8, context_tags=["late"]))
    assert ["c"] == [row["tag"] for row in bench.rows(pattern_tags)]

    bench.apply(sighting("n", -6, context_tags=[]))
    assert [] == bench.rows(pattern_tags)
    assert () == bench.store.pattern(N).context_tags


def test_a_message_that_comes_again_has_no_effect(bench: Bench) -> None:
    """In the same batch, in a later one, and counted as a duplicate (spec 5)."""
    events = (sighting(), application(N), soft_delete(N), rescore(N), application("unknown"))
    bench.apply(*events, *events)
    before = [bench.rows(table) for table in (patterns, applications, inbox, quarantine)]
    bench.apply(*reversed(events), now=NOW + 50 * DAY)

    assert before == [bench.rows(table) for table in (patterns, applications, inbox, quarantine)]
    assert (4, 1, 0, 10) == bench.ledger()
    assert 10 == len(bench.logged("message_duplicated"))


def test_the_inbox_keeps_what_was_applied(bench: Bench) -> None:
    """Id, kind, both times and the content (spec 2, inbox)."""
    event = sighting("n", -1)
    bench.apply(event)

    row = bench.row(inbox)
    assert (event.id, "record_pattern", event.content) == (row["message_id"], row["kind"], row["content"])
    assert (event.occurred_at, NOW) == (row["occurred_at"], row["applied_at"])


def test_an_application_is_stored_with_every_field(bench: Bench) -> None:
    """Its id is the message's (spec 5.2)."""
    event = application(
        N,
        "F",
        -1,
        execution_id="run 7",
        retry_count_before=3,
        retry_count_after=1_000_000,
        application_mode="exploration",
        validation_passed=False,
        grounding_confidence=0.125,
    )
    bench.apply(sighting(), event)

    assert {
        "id": event.id,
        "pattern_id": N,
        "execution_id": "run 7",
        "occurred_at": NOW - DAY,
        "applied_at": NOW,
        "pattern_led_to_success": False,
        "retry_count_before": 3,
        "retry_count_after": 1_000_000,
        "application_mode": "exploration",
        "validation_passed": False,
        "grounding_confidence": 0.125,
    } == bench.row(applications)


def test_a_delete_keeps_row_and_applications(bench: Bench) -> None:
    """The log says so, and the second time that it changed nothing (spec 5.3)."""
    bench.apply(sighting("n", -3), application(N))
    bench.apply(soft_delete(N, -1))
    before = (bench.row(patterns), bench.rows(applications))
    bench.apply(soft_delete(N, -1))

    assert before == (bench.row(patterns), bench.rows(applications))
    assert ["pattern_soft_deleted", "pattern_already_soft_deleted"] == bench.logged(
        "pattern_soft_deleted", "pattern_already_soft_deleted", "pattern_seen_since_soft_delete"
    )


def test_a_late_delete_of_a_pattern_seen_since_leaves_it_active(bench: Bench) -> None:
    """Event times decide, not the order of arrival (spec 5.1)."""
    bench.apply(sighting("n", -1), soft_delete(N, -2))

    assert bench.store.pattern(N).active
    assert ["pattern_seen_since_soft_delete"] == bench.logged("pattern_seen_since_soft_delete", "pattern_soft_deleted")


def test_an_update_recomputes_one_pattern(bench: Bench) -> None:
    """Its two scores, now; others stay (spec 5.4)."""
    bench.apply(sighting("n"), sighting("another"), rescore(N))

    assert 0.55 == bench.store.pattern(N).effectiveness_score
    assert 0.5 == bench.store.pattern(pattern_id("T", "another")).effectiveness_score


def test_an_update_of_an_unknown_pattern_is_logged(bench: Bench) -> None:
    """It has no effect, and its message is done (spec 5.4)."""
    bench.apply(rescore(N))

    assert ["pattern_to_update_unknown"] == bench.logged("pattern_to_update_unknown")
    assert (1, 0, 0, 0) == bench.ledger()
    assert [] == bench.rows(patterns)


def test_a_log_is_searched_by_message_task_and_pattern(bench: Bench) -> None:
    """Everything that a message does is logged with all three."""
    delete, unknown = soft_delete(N, -1), rescore("0" * 16)
    bench.apply(application(N), sighting("n", -3), sighting("N.", -2), delete, delete, soft_delete(N, -1), unknown)

    # One for each message, beside what each does.
    assert 6 + 6 == len(bench.logs)
    assert all({"message_id", "delivery", "pattern_id"} <= {*each} for each in bench.logs)
