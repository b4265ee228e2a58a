"""Beat and its slots: one recalculation for each, through restarts of beat, a lost broker and changes of the clock."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID

from ostinato.messages.routing import QUEUE
from ostinato.times import EPOCH
from store.database.tables import recalculations
from tests.product import Product
from tests.servers.brokers import Server
from tests.waiting import wait_until
from worker.beat.slots import SlotSchedule, slot_message

EVERY_SECOND = {"OSTINATO_RECALCULATE_EVERY": "1"}


def finished(product: Product) -> list[str]:
    """The ids of the messages whose recalculation is finished, in the order of their slots."""
    if product.stats() is None:
        return []
    return sorted(row["message_id"] for row in product.rows(recalculations) if row["finished_at"])


def message_of_slot(message_id: str, every: float) -> str:
    """The id that the slot has in which the message with this id says that it was made."""
    made = EPOCH + timedelta(milliseconds=UUID(message_id).int >> 80)
    return str(slot_message(SlotSchedule(every, 3 * 3600).slot(made)).id)


def test_every_slot_is_recalculated_once(embedded: Product) -> None:
    """Each message has its slot's id, two beats send it twice, and it counts once; beat leaves no file behind."""
    with embedded.worker(), embedded.beat("first", env=EVERY_SECOND), embedded.beat("second", env=EVERY_SECOND):
        wait_until(
            lambda: (stats := embedded.stats()) is not None and stats.duplicates >= 2 and len(finished(embedded)) >= 3,
            why="both beats have sent several slots",
        )
    ids = finished(embedded)
    assert ids == [message_of_slot(each, 1) for each in ids]
    assert [] == list(embedded.elsewhere.iterdir())


def test_missed_slot_is_caught_up_at_the_start(embedded: Product) -> None:
    """Beat starts with the slot of the day, although that began long ago; a second start changes nothing."""
    with embedded.worker():
        with embedded.beat():
            wait_until(lambda: len(finished(embedded)) == 1, why="the slot is caught up")
        with embedded.beat():
            stats = embedded.wait_for(duplicates=1)
    [only] = finished(embedded)
    assert only == message_of_slot(only, 24 * 3600)
    assert 1 == stats.applied


def test_beat_waits_for_a_broker_that_is_not_there_yet(stopped_broker: Server, home: Path) -> None:
    """It says so once, goes on trying, and sends the slot once it can."""
    with Product(home, stopped_broker.url) as product, product.beat() as beat:
        wait_until(lambda: "broker_unavailable" in product.log("beat"), why="beat says that the broker is away")
        with stopped_broker, product.worker():
            wait_until(lambda: len(finished(product)) == 1, why="the slot is sent later")
            assert 0 == beat.stop()
    assert [1, 1] == [product.log("beat").count(word) for word in ("broker_unavailable", "broker_available_again")]


def test_beat_outlives_its_broker(stopped_broker: Server, home: Path) -> None:
    """A slot that could not be sent is reported, and beat sends again as soon as the broker is back."""
    with Product(home, stopped_broker.url) as product, stopped_broker, product.beat(env=EVERY_SECOND) as beat:
        wait_until(lambda: product.client.llen(QUEUE) > 0, why="the first slot is sent")
        stopped_broker.__exit__()
        wait_until(lambda: "slot_not_sent" in product.log("beat"), why="beat says that a slot was not sent")
        stopped_broker.__enter__()
        sent = product.client.llen(QUEUE)
        wait_until(lambda: product.client.llen(QUEUE) > sent, why="beat sends again")
        assert 0 == beat.stop()
    assert 1 == product.log("beat").count("slot_not_sent")
