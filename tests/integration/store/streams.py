"""Strategies for small streams of messages in which everything meets everything: few names, times and ids."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta, timezone
from functools import cache
from itertools import accumulate
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from tests.integration.store.bench import DAY, NOW, TODAY
from tests.model.naming import id_of
from tests.model.said import RECALCULATION, Bad, Member, Message

# Two spellings of one id, three of one content, one symbol that counts, and two splits of a text at a colon.
NAMED = (
    ("T", "file not created"),
    ("T", " FILE  not\u00a0created "),
    ("T", "File-not-created"),
    ("T", "file_not_created."),
    ("T", "C++"),
    ("T", "C"),
    ("T:C", "x"),
    ("T", "c:x"),
)
# Of these, no two with different ids ever have the same content.
APART = (("T", "one"), ("T", " ONE "), ("U", "one"), ("T:U", "v"), ("T", "u:v"), ("T", "U:v"))
DAYS = st.sampled_from((-40, -9, -3, -3, -1))
CLOCKS = st.sampled_from((NOW, NOW, NOW - DAY, NOW + DAY // 12, NOW + 31 * DAY))
_ZONES = st.sampled_from([timezone(timedelta(hours=hours)) for hours in (0, 5, -8)])
_TEXTS = st.sampled_from((None, "", "a", "b"))

BOUNDED = settings(
    deadline=None,
    derandomize=True,
    database=None,
    print_blob=True,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
"""The same examples in every run, on every machine, unless `bound` says otherwise."""
QUICK = settings(BOUNDED, phases=[Phase.explicit, Phase.generate])
"""The same again, without looking for the shortest example."""


def message_id(number: int) -> UUID:
    """The id of the message with this number; not in the order of the numbers."""
    return uuid5(NAMESPACE_OID, str(number))


@dataclass(frozen=True)
class Delivery:
    """What the broker hands over at once: a message, or a batch of them; and the worker's clock reading."""

    members: Sequence[Member]
    clock: int = NOW
    batch: bool = False


@dataclass(frozen=True)
class Scene:
    """What a stream is about: a few names, so that its messages meet; and the fingerprints in it."""

    named: tuple[tuple[str, str], ...]
    fingerprints: tuple[str | None, ...] = (None,)

    @property
    def ids(self) -> list[str]:
        """The ids of the names."""
        return sorted({id_of(*each) for each in self.named})


_FINGERPRINTS = st.sampled_from(((None,), (None, None, None, "f", "g"), (None, "f")))
SCENES = st.builds(Scene, st.lists(st.sampled_from(NAMED), min_size=1, max_size=4).map(tuple), _FINGERPRINTS)
RIVALS = Scene((NAMED[4], NAMED[5], NAMED[0]), (None, "f"))
"""A scene with patterns that come to have one content without having merged."""
ALL_SCENES = st.one_of(SCENES, SCENES, st.just(RIVALS))
APART_SCENES = st.builds(Scene, st.lists(st.sampled_from(APART), min_size=1, max_size=2).map(tuple))
"""Scenes in which no two messages make a content merge."""


@st.composite
def _common(draw: st.DrawFn, kind: str) -> Message:
    moment = TODAY + timedelta(days=draw(DAYS))
    return {"kind": kind, "occurred_at": moment.astimezone(draw(_ZONES)).isoformat()}


@st.composite
def sightings(draw: st.DrawFn, scene: Scene) -> Message:
    """A sighting of one of the names."""
    pattern_type, name = draw(st.sampled_from(scene.named))
    optional: dict[str, Any] = {
        "description": draw(_TEXTS),
        "context_tags": draw(st.sampled_from((None, None, [], ["a"], ["b", "a"]))),
        "suggested_action": draw(_TEXTS),
        "instrument_name": draw(_TEXTS),
        "provenance": draw(st.sampled_from((None, {"job_hash": "j"}, {"job_hash": "k", "sheet_num": 0}))),
        "fingerprint": draw(st.sampled_from(scene.fingerprints)),
    }
    supplied = {name: value for name, value in optional.items() if value is not None}
    return {**draw(_common("record_pattern")), "pattern_type": pattern_type, "pattern_name": name, **supplied}


@st.composite
def applications(draw: st.DrawFn, scene: Scene) -> Message:
    """An application of one of the patterns."""
    return {
        **draw(_common("record_pattern_application")),
        "pattern_id": draw(st.sampled_from(scene.ids)),
        "execution_id": draw(st.sampled_from(("e", "f"))),
        "pattern_led_to_success": draw(st.booleans()),
        "grounding_confidence": draw(st.sampled_from((None, 0.0, 0.25, 1))),
    }


@st.composite
def namings(draw: st.DrawFn, scene: Scene) -> Message:
    """A soft delete or an update of one of the patterns."""
    kind = draw(st.sampled_from(("soft_delete_pattern", "soft_delete_pattern", "update_pattern_effectiveness")))
    return {**draw(_common(kind)), "pattern_id": draw(st.sampled_from(scene.ids))}


@cache
def bodies(scene: Scene) -> st.SearchStrategy[Message]:
    """Messages without an id, of every kind that may be in a batch."""
    return sightings(scene) | sightings(scene) | applications(scene) | applications(scene) | namings(scene)


def _bad(reason: str, number: int | None, **fields: object) -> Bad:
    common = {"kind": "record_pattern", "occurred_at": "2026-05-31T12:00:00Z", "pattern_type": "T", "pattern_name": "C"}
    known = None if number is None else str(message_id(number))
    identified = {} if known is None else {"id": known}
    return Bad(json.dumps({**identified, **common, **fields}), reason, known)


BAD = st.sampled_from(
    (
        _bad("pattern_name_characters", 0, pattern_name="a\0b"),
        _bad("pattern_name_length", 1, pattern_name=""),
        _bad("unknown_field", 2, colour="red"),
        _bad("id_missing", None),
        _bad("description_characters", 3, description="\ud800"),
        _bad("context_tag_length", 4, context_tags=[""]),
    )
)
"""Messages that can never be applied; some have an id that good ones have too."""


@st.composite
def identified(draw: st.DrawFn, scenes: st.SearchStrategy[Scene] = ALL_SCENES) -> list[Message]:
    """Some messages of one scene, each with an id of its own."""
    scene = draw(scenes)
    least = draw(st.sampled_from((1, 8, 16)))
    found = draw(st.lists(bodies(scene), min_size=least, max_size=least + 8))
    if scene is RIVALS:
        found = draw(_rivalry()) + found
    return [{**each, "id": str(message_id(number))} for number, each in enumerate(found)]


@st.composite
def _rivalry(draw: st.DrawFn) -> list[Message]:
    """Two patterns come to have one content, one of them is applied, and then a third name means either."""
    said = {"kind": "record_pattern", "occurred_at": (TODAY - timedelta(days=9)).isoformat()}
    one, other, third = ({**said, "pattern_type": kind, "pattern_name": name} for kind, name in RIVALS.named)
    marked = [{**each, "fingerprint": "f"} for each in (one, other, third)]
    return [one, other, *marked[:2], draw(applications(Scene(RIVALS.named[:2]))), marked[2]]


@st.composite
def messy(draw: st.DrawFn) -> list[Member]:
    """Messages of which some come twice, also spelt otherwise; some have the id of another, and some are bad."""
    members: list[Member] = list(draw(identified()))
    for _ in range(draw(st.integers(0, 6))):
        at, where = draw(st.integers(0, len(members) - 1)), draw(st.integers(0, len(members)))
        members.insert(where, draw(st.just(members[at]) | _again(members[at]) | BAD))
    return members


def _again(member: Member) -> st.SearchStrategy[Member]:
    """The same message in another spelling, or another one under its id."""
    if isinstance(member, Bad):
        return BAD
    moment = str(member["occurred_at"]).replace("T", " ")
    respelt = {**member, "id": str(member["id"]).upper(), "occurred_at": moment}
    other = bodies(Scene(NAMED)).map(lambda body: {**body, "id": member["id"]})
    return (
        st.just({**respelt, "description": member.get("description")} if "pattern_type" in member else respelt) | other
    )


@st.composite
def dealt(draw: st.DrawFn, members: Sequence[Member], *, clocks: st.SearchStrategy[int] = CLOCKS) -> list[Delivery]:
    """The members in their order, alone or in batches."""
    sizes: list[int] = []
    while sum(sizes) < len(members):
        sizes.append(draw(st.integers(1, 4)))
    ends = list(accumulate(sizes))
    parts = [members[end - size : end] for size, end in zip(sizes, ends, strict=True)]
    return [Delivery(part, draw(clocks), batch=len(part) > 1 or draw(st.booleans())) for part in parts]


@st.composite
def repeated(draw: st.DrawFn, messages: Sequence[Message]) -> list[Message]:
    """Each message once or more often, in any order."""
    extra = draw(st.lists(st.sampled_from(messages), max_size=6))
    return list(draw(st.permutations([*messages, *extra])))


def recalculation(clock: int = NOW, number: int = -1) -> Delivery:
    """A recalculation at this clock."""
    message = {"kind": RECALCULATION, "id": str(message_id(number)), "occurred_at": "2026-06-01T00:00:00Z"}
    return Delivery([message], clock)
