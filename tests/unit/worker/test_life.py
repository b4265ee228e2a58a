"""For how long a loop has shown no life: counted in steps, because the process itself may have been stopped."""

from worker.broker.liveness import LONGEST_STEP, Life


def watched(life: Life, *moments: float) -> list[float]:
    """The silence at each of these moments; counting began at 0."""
    life.begin(0.0)
    return [life.silence(moment) for moment in moments]


def test_silence_adds_up_until_a_sign() -> None:
    """And begins again after it."""
    life = Life(heard=5)
    assert [1.0, 2.0, 3.5] == watched(life, 1, 2, 3.5)
    life.sign()
    assert [0.0, 0.5] == [life.silence(moment) for moment in (4, 4.5)]


def test_a_pause_of_the_whole_process_counts_as_one_step() -> None:
    """No matter how long the pause was."""
    assert [1.0, 1.0 + LONGEST_STEP] == watched(Life(heard=5), 1, 10_000)


def test_time_without_a_connection_is_no_silence() -> None:
    """But the silence from before goes on: a loop that only connects again and again is deaf."""
    life = Life(heard=5)
    watched(life, 1, 2)
    life.begin(100.0)
    assert 3.0 == life.silence(101)


def test_nothing_was_seen_before_the_first_sign() -> None:
    """So a worker is not present before its first fetch is answered."""
    life = Life(heard=5)
    watched(life, 1)
    assert not life.seen
    life.sign()
    life.silence(2)
    assert life.seen
