"""A queue, a worker that can be killed, a store and its model, driven at random: store == model after every step."""

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import count

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from store.reading.quarantine import Quarantined, discard, replaying
from tests.integration.store.bench import DAY, NOW
from tests.integration.store.streams import BAD, NAMED, SCENES, Delivery, Scene, bodies, message_id, recalculation
from tests.integration.store.trials import Fault, Killed, Laboratory, acknowledges_late
from tests.model.said import Bad, Member, Message
from tests.model.serial import Place

_MINUTE = 60_000_000
_JUMPS = st.sampled_from((-120 * _MINUTE, 120 * _MINUTE, -2 * DAY, DAY, 31 * DAY))


def _something_sent(machine: "QueueMachine") -> bool:
    return bool(machine.sent)


def _something_queued(machine: "QueueMachine") -> bool:
    return bool(machine.queue)


def _something_refused_once(machine: "QueueMachine") -> bool:
    return bool(machine.refused_once())


def _something_applied(machine: "QueueMachine") -> bool:
    return bool(machine.trial.model.inbox)


class QueueMachine(RuleBasedStateMachine):
    """Messages are published, repeated, reordered, and taken by a worker that meets faults.

    ``acknowledges_late`` is whether the worker tells the broker "done" after the effect, rather than before it.
    """

    def __init__(self, laboratory: Laboratory, *, acknowledges_late: bool) -> None:
        super().__init__()
        self._laboratory = laboratory
        self._acknowledges_late = acknowledges_late
        self._numbers = count()
        self._now = NOW
        self._bodies = bodies(Scene(NAMED))
        self._touched = True
        self.queue: list[tuple[str, Delivery]] = []
        self.sent: list[Message] = []
        self._poison: set[str] = set()
        # Where in the model's quarantine a message was that was sent again from the store's.
        self._places: dict[str, Place] = {}
        self._opened = laboratory.trial()
        self.trial = self._opened.__enter__()

    @initialize(scene=SCENES)
    def set_the_scene(self, scene: Scene) -> None:
        """Choose what the messages are about."""
        self._bodies = bodies(scene)

    @rule(data=st.data())
    def publish(self, data: st.DataObject) -> None:
        """New messages, one by one."""
        for body in data.draw(st.lists(self._bodies, min_size=1, max_size=3)):
            self._send([self._new(body)])

    @rule(data=st.data())
    def publish_a_batch(self, data: st.DataObject) -> None:
        """New messages in a batch, some of them bad."""
        members = data.draw(st.lists(self._bodies | self._bodies | BAD, min_size=2, max_size=6))
        self._send([each if isinstance(each, Bad) else self._new(each) for each in members], batch=True)

    @rule(bad=BAD)
    def poison(self, bad: Bad) -> None:
        """A message that can never be applied."""
        self._send([bad])

    @precondition(_something_sent)
    @rule(data=st.data(), batch=st.booleans())
    def duplicate(self, data: st.DataObject, *, batch: bool) -> None:
        """A producer sends again what it sent before."""
        self._send([data.draw(st.sampled_from(self.sent))], batch=batch)

    @precondition(_something_sent)
    @rule(data=st.data())
    def use_an_id_again(self, data: st.DataObject) -> None:
        """Another message under an id that was sent before."""
        self._send([{**data.draw(self._bodies), "id": data.draw(st.sampled_from(self.sent))["id"]}])

    @rule()
    def recalculate(self) -> None:
        """Beat sends the message of a slot."""
        number = next(self._numbers)
        self.queue.append((f"slot {number}", recalculation(number=number)))

    @precondition(_something_queued)
    @rule(data=st.data())
    def reorder(self, data: st.DataObject) -> None:
        """The broker hands messages over in another order than they were sent in."""
        self.queue = list(data.draw(st.permutations(self.queue)))

    @rule(jump=_JUMPS)
    def jump(self, jump: int) -> None:
        """The worker's clock is set."""
        self._now += jump

    @rule()
    def restart(self) -> None:
        """Another worker takes over."""
        self.trial.writer.close()

    @precondition(_something_queued)
    @rule(most=st.integers(1, 6))
    def work(self, most: int) -> None:
        """The worker applies what is next."""
        for _ in range(min(most, len(self.queue))):
            self._take(None)

    @precondition(_something_queued)
    @rule(fault=st.sampled_from(Fault))
    def meet_a_fault(self, fault: Fault) -> None:
        """The worker, or its database, goes away around the commit of what is next."""
        self._take(fault)

    @precondition(_something_applied)
    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        """A message is sent again as the history keeps it."""
        contents = self.trial.contents()
        self._send([json.loads(contents[data.draw(st.sampled_from(sorted(contents)))])])

    @precondition(_something_refused_once)
    @rule(data=st.data())
    def discard(self, data: st.DataObject) -> None:
        """A message in the quarantine is said to need no attention."""
        place, found = self._chosen(data)
        discard(self.trial.writer, lambda: self._now, found, "of no use")
        self.trial.model.states[place] = "discarded"
        self._touched = True

    @precondition(_something_refused_once)
    @rule(data=st.data())
    def replay_from_the_quarantine(self, data: st.DataObject) -> None:
        """It is sent again as it is, and it will come back."""
        place, found = self._chosen(data)
        self._places[found.id] = place
        with replaying(self.trial.writer, lambda: self._now, found, None):
            bad = Bad(found.raw.decode(), found.reason_code, found.message_id)
            self.queue.append((found.id, Delivery([bad])))
        self.trial.model.states[place] = "replayed"
        self._touched = True

    @invariant()
    def store_is_the_model(self) -> None:
        """Whatever happened; looked at when something may have."""
        if self._touched:
            self.trial.check()
        self._touched = False

    def teardown(self) -> None:
        """Once the queue is empty, every message that was sent has been applied, is parked or is in quarantine."""
        try:
            while self.queue:
                self._take(None)
            tables = self.trial.tables()
            assert {each["id"] for each in self.sent} <= set(tables["inbox"])
            assert self._poison <= {text for text, *_ in tables["quarantine"]}
            self.trial.check()
        finally:
            self._opened.__exit__(None, None, None)

    def refused_once(self) -> dict[str, Place]:
        """The texts that are in the model's quarantine once, so that it is clear which is which in the store's."""
        places = [each for each in self.trial.model.quarantine if each[1] in self._poison]
        texts = [text for _, text, _ in places]
        return {each[1]: each for each in places if texts.count(each[1]) == 1}

    def _chosen(self, data: st.DataObject) -> tuple[Place, Quarantined]:
        text, place = data.draw(st.sampled_from(sorted(self.refused_once().items())))
        [found] = [each for each in self.trial.quarantine.messages(resolved=True) if each.raw == text.encode()]
        return place, found

    def _new(self, body: Message) -> Message:
        message = {**body, "id": str(message_id(next(self._numbers)))}
        self.sent.append(message)
        return message

    def _send(self, members: Sequence[Member], *, batch: bool = False) -> None:
        self._poison |= {each.text for each in members if isinstance(each, Bad)}
        self.queue.append((f"sending {next(self._numbers)}", Delivery(members, batch=batch)))

    def _take(self, fault: Fault | None) -> None:
        """The worker gets the next delivery; if it is killed, it is given again, unless the broker was told "done"."""
        self._touched = True
        name, delivery = self.queue[0]
        delivery = replace(delivery, clock=self._now)
        if not self._acknowledges_late:
            del self.queue[0]
        times = 1 if fault is None else fault.effects
        for _ in range(times):
            self.trial.expect(delivery, self._places[name][0] if name in self._places else name)
        self.trial.writer.fault = fault
        try:
            self.trial.work(delivery, name)
        except Killed:
            self.trial.writer.close()
        else:
            if self._acknowledges_late:
                del self.queue[0]


def run(laboratory: Laboratory, bound: settings) -> None:
    """Drive the machine; the worker tells the broker "done" when the product says so."""
    late = acknowledges_late()

    class Machine(QueueMachine):
        def __init__(self) -> None:
            super().__init__(laboratory, acknowledges_late=late)

    run_state_machine_as_test(Machine, settings=bound)
