"""A predecessor's database in the store: once, whole, and with the scores that it had."""

import math
import random
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from ostinato.identity import pattern_id
from ostinato.times import from_micros, to_micros
from store.database.tables import applications, inbox, patterns, quarantine
from store.writing.transaction import Writer
from tests.integration.store.bench import NOW, TODAY, Bench, application, sighting
from tests.samples.predecessor import APPLICATION, PATTERN, Predecessor
from worker.cli.import_sqlite.importing import Importer
from worker.cli.import_sqlite.source import opened
from worker.cli.import_sqlite.tally import ImportResult

ZONE = ZoneInfo("Europe/Berlin")
EXACT = 1e-12
P = str(PATTERN["id"])


@pytest.fixture
def old(tmp_path: Path) -> Predecessor:
    """An empty database of the predecessor."""
    return Predecessor(tmp_path / "old.db")


def take(bench: Bench, old: Predecessor, *, zone: ZoneInfo = ZONE) -> ImportResult:
    """One import."""
    with opened(old.path) as source, closing(Writer(bench.url)) as writer:
        return Importer(writer, lambda: NOW, zone, lambda _: None).take(source)


def numbers(report: ImportResult) -> list[int]:
    """Of patterns, then of applications: taken, parked, already there, changed, skipped."""
    return [
        number
        for tally in (report.patterns, report.applications)
        for number in (tally.taken, tally.parked, tally.already_there, len(tally.changed), len(tally.skipped))
    ]


def counts(bench: Bench) -> tuple[int, int, int]:
    """How often the pattern was seen, and how it went."""
    pattern = bench.store.pattern(P)
    return pattern.occurrence_count, pattern.led_to_success_count, pattern.led_to_failure_count


def test_a_pattern_and_its_application_are_taken_whole(bench: Bench, old: Predecessor) -> None:
    """Ids, counts, times in UTC, texts, applications and the rest."""
    old.patterns({"occurrence_count": 9, "led_to_success_count": 4, "led_to_failure_count": 2, "variance": 0.25})
    old.applications({})
    assert [1, 0, 0, 0, 0, 1, 0, 0, 0, 0] == numbers(take(bench, old))

    found = bench.store.pattern(P)
    assert (P, "timeout", "Login times out", True) == (
        *(found.id, found.pattern_type, found.pattern_name, found.active),
    )
    assert (9, 4, 2, 0.25) == (*counts(bench), found.variance)
    assert datetime(2026, 5, 1, 8, tzinfo=UTC) == found.first_seen
    assert datetime(2026, 5, 3, 8, 0, 0, 250_000, tzinfo=UTC) == found.last_seen
    assert datetime(2026, 5, 2, 8, tzinfo=UTC) == found.last_confirmed
    [applied] = bench.rows(applications)
    expected = {name: APPLICATION[name] for name in APPLICATION if name != "applied_at"}
    assert expected == {name: applied[name] for name in expected}
    assert datetime(2026, 5, 2, 7, tzinfo=UTC) == from_micros(applied["occurred_at"])
    assert (2, 0, 0, 0) == bench.ledger()


def test_a_second_run_adds_nothing(bench: Bench, old: Predecessor) -> None:
    """Not a row, not a count, not a duplicate."""
    old.patterns({"led_to_success_count": 4}, {"id": "other"})
    old.applications({}, {"id": "7"})
    take(bench, old)
    before = [bench.rows(table) for table in (patterns, applications, inbox)]

    report = take(bench, old)
    assert [0, 0, 2, 0, 0, 0, 0, 2, 0, 0] == numbers(report)
    assert report.complete
    assert before == [bench.rows(table) for table in (patterns, applications, inbox)]
    assert (4, 0, 0, 0) == bench.ledger()


def test_what_is_new_since_is_taken_and_what_changed_is_reported(bench: Bench, old: Predecessor) -> None:
    """New applications count once: the balance stays that of the first run. Nothing is quarantined."""
    old.patterns({"occurrence_count": 9, "led_to_success_count": 4})
    old.applications({})
    take(bench, old)
    old.sql("UPDATE patterns SET occurrence_count = 12, led_to_success_count = 5, led_to_failure_count = 1")
    old.applications({"id": "7"}, {"id": "8", "pattern_led_to_success": 0})
    old.patterns({"id": "new"})

    report = take(bench, old)
    assert [1, 0, 0, 1, 0, 2, 0, 1, 0, 0] == numbers(report)
    assert [P] == report.patterns.changed
    assert not report.complete
    assert (9, 5, 1) == counts(bench)
    assert [] == bench.rows(quarantine)


def test_applications_pruned_since_keep_counting(bench: Bench, old: Predecessor) -> None:
    """The store has them, so the balance that grew by them is not taken."""
    old.patterns({"led_to_success_count": 4})
    old.applications({})
    take(bench, old)
    old.sql("DELETE FROM pattern_applications")

    assert [0, 0, 0, 1, 0, 0, 0, 0, 0, 0] == numbers(take(bench, old))
    assert (1, 4, 0) == counts(bench)


def test_an_application_that_cannot_be_taken_stays_in_the_balance(bench: Bench, old: Predecessor) -> None:
    """It was in the predecessor's count only."""
    old.patterns({"led_to_success_count": 4, "led_to_failure_count": 1})
    old.applications({}, {"id": "7", "pattern_led_to_success": None}, {"id": None})

    report = take(bench, old)
    expected = {"id_missing": ["None"], "pattern_led_to_success_missing": ["7"]}
    assert expected == report.applications.skipped
    assert (1, 4, 1) == counts(bench)


def test_applications_of_unknown_patterns_are_parked(bench: Bench, old: Predecessor) -> None:
    """Until the pattern is seen."""
    old.applications({"pattern_id": pattern_id("T", "n")}, {"id": "7", "pattern_id": "never"})
    assert [0, 0, 0, 0, 0, 2, 2, 0, 0, 0] == numbers(take(bench, old))

    bench.apply(sighting("n"))
    assert 1 == bench.store.pattern(pattern_id("T", "n")).led_to_success_count
    assert (2, 1, 0, 0) == bench.ledger()


def test_a_parked_application_is_adopted_by_an_imported_pattern(bench: Bench, old: Predecessor) -> None:
    """As with a sighting."""
    bench.apply(application(P))
    old.patterns({"led_to_success_count": 4})
    take(bench, old)
    assert (1, 5, 0) == counts(bench)


def test_a_soft_deleted_pattern_stays_deleted_until_it_is_seen_again(bench: Bench, old: Predecessor) -> None:
    """The delete is dated at the last sighting, the latest known time."""
    name = "Login times out"
    old.patterns({"id": pattern_id("timeout", name), "active": 0})
    take(bench, old)
    assert [] == bench.store.patterns(min_priority=0)

    bench.apply(sighting(name, -60, pattern_type="timeout"))
    assert [] == bench.store.patterns(min_priority=0)
    bench.apply(sighting(name, pattern_type="timeout"))
    assert [3] == [each.occurrence_count for each in bench.store.patterns(min_priority=0)]


@pytest.mark.parametrize("first", ["import", "sighting"])
def test_a_pattern_that_is_there_is_joined(bench: Bench, old: Predecessor, first: str) -> None:
    """Counts add up, the earlier one names, the newer one describes; in either order."""
    name = "Login times out"
    key = pattern_id("timeout", name)
    old.patterns({"id": key, "occurrence_count": 4, "led_to_success_count": 2, "description": "old", "variance": 0.5})
    seen = sighting("login  TIMES out", pattern_type="timeout", description="new", id=UUID(int=1))
    if first == "sighting":
        bench.apply(seen)
    take(bench, old)
    if first == "import":
        bench.apply(seen)

    row = bench.row(patterns)
    expected = {"pattern_name": name, "description": "new", "occurrence_count": 5, "led_to_success_count": 2}
    expected |= {"variance": 0.5, "last_seen": NOW, "first_seen": to_micros(datetime(2026, 5, 1, 8, tzinfo=UTC))}
    assert expected == {column: row[column] for column in expected}


def test_a_pattern_known_under_an_alias_adds_its_counts(bench: Bench, old: Predecessor) -> None:
    """And nothing else, as a sighting under an alias does (spec 5.1, step 2)."""
    bench.apply(sighting("a b"), sighting("a_b", description=""))
    alias, meant = pattern_id("T", "a_b"), pattern_id("T", "a b")
    old.patterns({"id": alias, "occurrence_count": 4, "led_to_failure_count": 3, "description": "old", "variance": 0.5})
    old.applications({"pattern_id": alias})
    take(bench, old)

    row = bench.row(patterns)
    expected = {"id": meant, "pattern_name": "a b", "description": None, "occurrence_count": 6, "variance": 0.0}
    expected |= {"led_to_success_count": 1, "led_to_failure_count": 3}
    assert expected == {column: row[column] for column in expected}


def test_patterns_with_one_content_stay_two(bench: Bench, old: Predecessor) -> None:
    """The predecessor told them apart, and their applications name them."""
    old.patterns({"id": "one", "pattern_name": "a b"}, {"id": "two", "pattern_name": "a_b"})
    take(bench, old)
    assert ["one", "two"] == [row["id"] for row in bench.rows(patterns)]
    assert 1 == len({row["content_hash"] for row in bench.rows(patterns)})


def test_two_databases_that_know_one_pattern_are_both_taken(bench: Bench, old: Predecessor, tmp_path: Path) -> None:
    """Each adds what it knows, once."""
    other = Predecessor(tmp_path / "other.db")
    old.patterns({"occurrence_count": 4})
    other.patterns({"occurrence_count": 5, "first_seen": "2026-04-01T10:00:00"})
    for each in (old, other, old, other):
        take(bench, each)
    assert (9, 0, 0) == counts(bench)


@pytest.mark.parametrize("version", [10, 14, 15])
def test_older_versions_are_taken(bench: Bench, tmp_path: Path, version: int) -> None:
    """Whatever their columns are called, and whichever they lack."""
    old = Predecessor(tmp_path / "old.db", version=version)
    old.patterns({"led_to_success_count": 1})
    old.applications({})
    report = take(bench, old)
    assert (version, 1, 1) == (report.version, report.patterns.taken, report.applications.taken)
    assert ({}, {}) == (report.patterns.mended, report.applications.mended)
    assert (1, 1, 0) == counts(bench)


def test_the_scores_are_those_that_the_old_rows_deserve(bench: Bench, old: Predecessor) -> None:
    """After a recalculation, to 1e-12: also where applications were pruned, or there never were any (spec 6)."""
    chance = random.Random(1)  # noqa: S311 - no secret
    rows = [some_pattern(chance, number) for number in range(200)]
    old.patterns(*(row for row, _ in rows))
    old.applications(*(each for _, applied in rows for each in applied))
    assert take(bench, old, zone=ZoneInfo("UTC")).complete
    bench.recalculate()

    for row, applied in rows:
        found = bench.store.pattern(str(row["id"]))
        expected = deserved(row, applied)
        assert pytest.approx(expected, rel=0, abs=EXACT) == (found.effectiveness_score, found.priority_score)


def some_pattern(chance: random.Random, number: int) -> tuple[Mapping[str, object], list[Mapping[str, object]]]:
    """A row, and the newest of its applications: the others were pruned."""
    first = TODAY.replace(tzinfo=None) - timedelta(seconds=chance.uniform(0, 400 * 86_400))
    times = [first + timedelta(seconds=chance.uniform(0, 86_400)) for _ in range(chance.choice([0, 0, 1, 2, 3, 4, 9]))]
    ended = [(moment, chance.random() < 0.6) for moment in sorted(times)]
    kept = ended[chance.choice([0, 0, 1, 5]) :]
    applied: list[Mapping[str, object]] = [
        {
            "id": str(UUID(int=chance.getrandbits(128))),
            "pattern_id": f"{number:016x}",
            "applied_at": moment.isoformat(),
            "pattern_led_to_success": int(success),
            "grounding_confidence": chance.choice([None, chance.random()]),
        }
        for moment, success in kept
    ]
    row = {
        "id": f"{number:016x}",
        "occurrence_count": chance.randint(1, 200),
        "first_seen": first.isoformat(),
        "last_seen": (first + timedelta(days=2)).isoformat(),
        "last_confirmed": max([first, *(moment for moment, success in ended if success)]).isoformat(),
        "led_to_success_count": sum(success for _, success in ended),
        "led_to_failure_count": sum(not success for _, success in ended),
        "variance": chance.choice([0.0, chance.random()]),
    }
    return row, applied


def deserved(row: Mapping[str, object], applied: Sequence[Mapping[str, object]]) -> tuple[float, float]:
    """Effectiveness and priority by the rule, from the old row and its application rows (spec 6)."""
    of = {name: float(str(row[name])) for name in ("occurrence_count", "led_to_success_count", "led_to_failure_count")}
    successes, failures = of["led_to_success_count"], of["led_to_failure_count"]
    effectiveness = 0.55
    if successes + failures >= 3:
        window = sorted(applied, key=lambda each: str(each["applied_at"]), reverse=True)[:5]
        outcomes = [float(str(each["pattern_led_to_success"])) for each in window]
        grounded = [float(str(each["grounding_confidence"])) for each in window if each["grounding_confidence"]]
        recent = sum(outcomes) / len(outcomes) if outcomes else 0.0
        grounding = sum(grounded) / len(grounded) if grounded else 1.0
        idle = TODAY.replace(tzinfo=None) - datetime.fromisoformat(str(row["last_confirmed"]))
        historical = (successes + 0.5) / (successes + failures + 1)
        proven = (0.7 * recent + 0.3 * historical) * 0.9 ** (max(0, idle.days) / 30)
        effectiveness = proven * (0.7 + 0.3 * grounding)
    frequency = max(0.6, min(1.0, math.log10(of["occurrence_count"] + 1) / 2))
    priority = effectiveness * frequency * (1 - float(str(row["variance"])))
    return effectiveness, max(0.0, min(1.0, priority))
