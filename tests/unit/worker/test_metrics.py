"""The metrics: the declared ones are exposed, they count correctly, and an unavailable source harms no other."""

from collections.abc import Iterator
from datetime import UTC, datetime
from threading import Event as Signal
from threading import stack_size
from typing import NoReturn

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from typing_extensions import override

from ostinato.outbox.inspection import Contents
from store.events import Event, Import, Recalculation
from store.reading.vitals import Vitals
from store.writing.committed import Committed
from store.writing.transaction import Writer
from tasks.receiver import Receiver
from tests.waiting import LONGEST
from worker.broker.client import BrokerState
from worker.observability.metrics.counting import Counting
from worker.observability.metrics.declared import ASKED, COUNTED, METRICS, SAID
from worker.observability.metrics.gauges import Gauges, Question, Sources, answer
from worker.settings import Settings

NOW = 1_800_000_000_000_000
SINCE = datetime(2026, 1, 31, 12, tzinfo=UTC)
VITALS = Vitals(
    counters={"applied": 7, "duplicates": 2, "merges": 1},
    parked=3,
    parked_since=NOW - 5_000_000,
    quarantined={"not_json": 4},
    recalculated=NOW - 9_000_000,
)
BROKER = BrokerState({0: 5, 1: 0}, {0: 2})
FULL = Contents(waiting=6, oldest=SINCE, kept=9)
EMPTY = Contents(waiting=0, oldest=None, kept=0)
Samples = dict[tuple[str, ...], float]


def samples(registry: CollectorRegistry) -> Samples:
    """Every value by its name and the values of its labels, as a Prometheus server reads them."""
    families = text_string_to_metric_families(generate_latest(registry).decode())
    return {(each.name, *each.labels.values()): each.value for family in families for each in family.samples}


class Waiting(Receiver):
    """A receiver with a message that waits for the store."""

    @property
    @override
    def waits_for_store(self) -> bool:
        return True


def gauges(sources: Sources, *, last: float | None = None, waits: bool = False) -> CollectorRegistry:
    """A registry with only the gauges of a worker that applied its last message at ``last``, and may wait."""
    settings = Settings(recalculate_every=600)
    counting = Counting(CollectorRegistry())
    counting.last_applied = last
    kind = Waiting if waits else Receiver
    receiver = kind(Writer(settings.store_address), lambda: NOW, lambda _: False)
    registry = CollectorRegistry()
    registry.register(Gauges(settings, counting, receiver, sources, seconds=1.0))
    return registry


def event(kind: str = "record_pattern", at: int = NOW) -> Event:
    """An event of a kind."""
    return Event(id="id", kind=kind, occurred_at=at, content="")


def fail() -> NoReturn:
    """A source that is unavailable."""
    raise ConnectionError


ALL = Sources(lambda: VITALS, lambda: BROKER, lambda: [FULL, EMPTY])


def exposed(registry: CollectorRegistry) -> Iterator[tuple[str, str, str]]:
    """Name, type and help of all that a registry has."""
    for family in text_string_to_metric_families(generate_latest(registry).decode()):
        if not family.name.endswith("_created"):
            yield family.name, family.type, family.documentation


def test_what_is_declared_is_what_is_exposed() -> None:
    """Every metric by name, type and help, and none besides; no name twice."""
    registry = gauges(ALL, last=1.0)
    Counting(registry)

    assert sorted((each.name, each.kind, each.help) for each in METRICS) == sorted(exposed(registry))
    assert len(METRICS) == len({each.name for each in METRICS}) == len([*COUNTED, *SAID, *ASKED])


def test_counts_are_those_of_committed_transactions() -> None:
    """Two transactions: their sums, by kind and by reason."""
    registry = CollectorRegistry()
    counting = Counting(registry)
    committed = Committed(NOW, seconds=0.03, brought=4)
    committed.applied = [event(at=NOW - 2_000_000), event("soft_delete_pattern")]
    committed.counts.update(duplicates=1, merges=2)
    committed.unparked = [event("soft_delete_pattern", at=0)]
    committed.parked = [event("record_pattern_application")]
    committed.quarantined, committed.recalculated = ["not_json"], [3.0]
    counting.count(committed)
    counting.count(Committed(NOW + 1, brought=1, applied=[event(at=NOW + 60_000_000)], quarantined=["not_json"]))

    found = samples(registry)
    assert {
        ("ostinato_messages_applied_total", "record_pattern"): 2,
        ("ostinato_messages_applied_total", "soft_delete_pattern"): 2,
        ("ostinato_messages_applied_total", "import_pattern"): 0,
        ("ostinato_messages_parked_total", "record_pattern_application"): 1,
        ("ostinato_messages_quarantined_total", "not_json"): 2,
        ("ostinato_messages_duplicate_total",): 1,
        ("ostinato_patterns_merged_total",): 2,
        ("ostinato_lag_seconds_count",): 3,
        ("ostinato_lag_seconds_sum",): 2,
        ("ostinato_lag_seconds_bucket", "0.01"): 2,
        ("ostinato_transaction_messages_count",): 2,
        ("ostinato_transaction_messages_sum",): 5,
        ("ostinato_transaction_seconds_sum",): 0.03,
        ("ostinato_recalculation_seconds_sum",): 3,
    }.items() <= found.items()
    assert (NOW + 1) / 1e6 == counting.last_applied


def test_imports_and_recalculations_have_no_lag() -> None:
    """Their times are when another store saw the pattern, maybe long ago, and when the recalculation was due."""
    known = Import(
        id="i",
        kind="import_pattern",
        occurred_at=0,
        content="",
        pattern_id="p",
        pattern_type="t",
        pattern_name="n",
        occurrence_count=1,
        led_to_success_count=0,
        led_to_failure_count=0,
        first_seen=0,
        last_confirmed=None,
        variance=0.0,
        trust_score=0.5,
        quarantine_status="",
        active=True,
    )

    slot = Recalculation(id="i", kind="recalculate_all_pattern_priorities", occurred_at=0, content="")

    assert [] == Committed(NOW, applied=[known, slot]).lags


def test_two_applications_share_nothing() -> None:
    """Each has a registry of its own: what one counts, the other does not."""
    one, other = CollectorRegistry(), CollectorRegistry()
    Counting(one).count(Committed(NOW, applied=[event()]))
    Counting(other)

    name = ("ostinato_messages_applied_total", "record_pattern")
    assert (1, 0) == (samples(one)[name], samples(other)[name])


def test_gauges_are_what_the_sources_say() -> None:
    """Each value where it belongs, times in seconds."""
    assert {
        ("ostinato_last_applied_timestamp_seconds",): 12.5,
        ("ostinato_recalculation_interval_seconds",): 600,
        ("ostinato_store_available",): 1,
        ("ostinato_store_messages", "applied"): 7,
        ("ostinato_store_parked_messages",): 3,
        ("ostinato_store_parked_oldest_timestamp_seconds",): NOW / 1e6 - 5,
        ("ostinato_store_quarantined_messages", "not_json"): 4,
        ("ostinato_store_recalculated_timestamp_seconds",): NOW / 1e6 - 9,
        ("ostinato_broker_up",): 1,
        ("ostinato_queue_messages", "0"): 5,
        ("ostinato_queue_messages", "1"): 0,
        ("ostinato_queue_workers", "0"): 2,
        ("ostinato_queue_workers", "1"): 0,
        ("ostinato_outbox_up",): 1,
        ("ostinato_outbox_messages",): 6,
        ("ostinato_outbox_oldest_timestamp_seconds",): SINCE.timestamp(),
    }.items() <= samples(gauges(ALL, last=12.5)).items()


@pytest.mark.parametrize(
    ("away", "says", "begins"),
    [
        ("store", "ostinato_store_available", "ostinato_store_"),
        ("broker", "ostinato_broker_up", "ostinato_queue_"),
        ("outboxes", "ostinato_outbox_up", "ostinato_outbox_"),
    ],
)
@pytest.mark.parametrize("hangs", [False, True], ids=["refuses", "hangs"])
def test_an_unavailable_source_leaves_only_itself_out(away: str, says: str, begins: str, *, hangs: bool) -> None:
    """Its gauges are absent, except the one that says so; the others have their values."""
    never = Signal()
    registry = gauges(ALL._replace(**{away: never.wait if hangs else fail}))
    found = samples(registry)
    never.set()

    assert 0 == found[(says,)]
    assert {says} == {name for name, *_ in found if name.startswith(begins) or name == says}
    others = {"ostinato_store_available", "ostinato_broker_up", "ostinato_outbox_up"} - {says}
    assert {1} == {found[(name,)] for name in others}


def test_a_store_for_which_a_message_waits_is_not_available() -> None:
    """Although it answers: a store that can be read may refuse writes."""
    found = samples(gauges(ALL, waits=True))

    assert (0, 3) == (found[("ostinato_store_available",)], found[("ostinato_store_parked_messages",)])


def test_an_outbox_that_cannot_be_read_is_shown() -> None:
    """The others are counted nevertheless."""
    found = samples(gauges(ALL._replace(outboxes=lambda: [FULL, EMPTY._replace(problem="damaged")])))

    assert (0, 6) == (found[("ostinato_outbox_up",)], found[("ostinato_outbox_messages",)])


def test_a_source_that_hangs_is_not_asked_again() -> None:
    """Until its answer has come, which goes to everything that asked meanwhile."""
    asked, answered = Signal(), Signal()
    times: list[int] = []

    def ask() -> int:
        times.append(1)
        asked.set()
        answered.wait()
        return len(times)

    question = Question("slow", ask)
    first = question.begin()
    assert asked.wait(LONGEST)
    second = question.begin()
    assert None is answer(second, 0)
    answered.set()

    assert [1, 1] == [answer(each, 1e9) for each in (first, second)]
    assert 2 == answer(question.begin(), 1e9)


def test_a_source_that_could_not_be_asked_is_asked_again() -> None:
    """If there is no room for a thread there is no answer, and the page comes nevertheless."""
    question = Question("often", lambda: 1)
    before = stack_size(2**46)
    try:
        failed = question.begin()
    finally:
        stack_size(before)

    assert None is answer(failed, 1e9)
    assert 1 == answer(question.begin(), 1e9)
