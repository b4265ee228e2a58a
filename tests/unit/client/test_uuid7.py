"""Ids that sort by the millisecond they were made in (RFC 9562, section 5.7; spec section 4: the message's id)."""

import time
from uuid import RFC_4122

from hypothesis import given
from hypothesis import strategies as st

from ostinato.messages.uuid7 import uuid7, uuid7_of

MILLISECONDS = st.integers(0, (1 << 48) - 1)
RANDOM = st.integers(0, (1 << 74) - 1)


@given(MILLISECONDS, RANDOM)
def test_an_id_has_the_layout_of_version_7(milliseconds: int, random: int) -> None:
    """48 bits of time, the version, 12 bits, the variant, 62 bits: nothing of what went in is lost."""
    made = uuid7_of(milliseconds, random)

    assert (7, RFC_4122) == (made.version, made.variant)
    assert milliseconds == made.int >> 80
    assert random == (made.int >> 64 & 0xFFF) << 62 | made.int & ((1 << 62) - 1)


@given(MILLISECONDS, MILLISECONDS, RANDOM, RANDOM)
def test_ids_sort_by_time(one: int, other: int, random: int, another: int) -> None:
    """As text and as numbers, the earlier millisecond comes first, whatever the random bits are."""
    early, late = sorted([(one, random), (other, another)])
    first, second = uuid7_of(*early), uuid7_of(*late)

    assert first <= second
    assert str(first) <= str(second)


def test_ids_are_made_now_and_differ() -> None:
    """A thousand ids of a moment are a thousand ids, of this very time."""
    before = time.time_ns() // 1_000_000
    made = [uuid7() for _ in range(1000)]
    after = time.time_ns() // 1_000_000

    assert 1000 == len(set(made))
    assert all(before <= each.int >> 80 <= after for each in made)
