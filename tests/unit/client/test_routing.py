"""Which lane a message goes to."""

import json
from collections import Counter
from collections.abc import Iterable

from ostinato.identity import SLOTS, pattern_id, slot_of
from ostinato.messages.models import (
    ApplyBatch,
    RecalculateAllPatternPriorities,
    RecordPattern,
    RecordPatternApplication,
)
from ostinato.messages.routing import lane_of, queue_of

NAMES = [f"case {number}" for number in range(400)]


def _sighting(name: str) -> RecordPattern:
    return RecordPattern(pattern_type="T", pattern_name=name)


def _application(name: str) -> RecordPatternApplication:
    return RecordPatternApplication(pattern_id=pattern_id("T", name), execution_id="run-1", pattern_led_to_success=True)


def _lanes_of(names: Iterable[str], lanes: int) -> list[int]:
    return [lane_of(_sighting(name).content(), lanes) for name in names]


def test_all_that_is_said_of_a_pattern_goes_to_one_lane() -> None:
    """A sighting has no pattern id in its text, an application has; both are routed by it, whatever the spelling."""
    expected = _lanes_of(NAMES, 7)
    assert expected == [lane_of(_application(name).content(), 7) for name in NAMES]
    assert expected == _lanes_of([f"  {name.upper()} " for name in NAMES], 7)


def test_every_lane_has_its_share() -> None:
    """Four lanes have about a quarter of the patterns each."""
    shares = Counter(_lanes_of(NAMES, 4))
    assert [0, 1, 2, 3] == sorted(shares)
    assert min(shares.values()) > len(NAMES) / 8


def test_no_two_lanes_share_a_slot() -> None:
    """Else one lane's messages would wait for another's."""
    served = {(slot_of(pattern_id("T", name)), lane) for name, lane in zip(NAMES, _lanes_of(NAMES, 3), strict=True)}
    assert len({slot for slot, _ in served}) == len(served)
    assert {lane_of(_sighting(name).content(), SLOTS) for name in NAMES} <= set(range(SLOTS))


def test_a_batch_goes_where_its_first_message_goes() -> None:
    """It is one task, wherever the others would have gone."""
    first = next(name for name in NAMES if lane_of(_sighting(name).content(), 2) == 1)
    other = next(name for name in NAMES if lane_of(_sighting(name).content(), 2) == 0)
    batch = ApplyBatch(messages=[_sighting(first), _sighting(other)])
    assert 1 == lane_of(batch.content(), 2)


def test_what_is_about_no_pattern_goes_to_lane_0() -> None:
    """A recalculation, and whatever is no message: the worker has the last word on it."""
    texts = [
        RecalculateAllPatternPriorities().content(),
        "no json",
        "[" * 100_000,
        "[]",
        json.dumps({"pattern_id": 7}),
        json.dumps({"messages": []}),
        json.dumps({"messages": ["no message"]}),
    ]
    assert [0] * len(texts) == [lane_of(text, 8) for text in texts]


def test_lane_0_has_the_queue_that_everybody_knows() -> None:
    """A producer that knows nothing of lanes still reaches a worker."""
    assert ["ostinato", "ostinato.lane1", "ostinato.lane63"] == [queue_of(lane) for lane in (0, 1, 63)]


def test_a_name_that_no_encoding_has_goes_to_lane_0() -> None:
    """It was refused once, and can be sent again from the quarantine all the same."""
    text = json.dumps({"kind": "record_pattern", "pattern_type": "T", "pattern_name": "\ud800"})
    assert 0 == lane_of(text, 2)
