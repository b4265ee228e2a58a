"""The store in plain Python: what it must hold after any deliveries, written from the specification alone.

Shares nothing with the product, not even a function; slow, and simple enough to be read beside the specification.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from tests.model.entry import Entry
from tests.model.naming import id_of, likeness
from tests.model.said import RECALCULATION, Bad, Member, Message, Said, read, stamp

_AS_GOOD_AS_EQUAL = 1e-12
Place = tuple[str, str, int]
"""Where a message is in the quarantine: by its delivery, its text, and which of equal ones it is."""


class SerialModel:
    """Takes one delivery after the other; `tables` is what the store must say then."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.aliases: dict[str, str] = {}
        self.parked: dict[str, Said] = {}
        self.inbox: dict[str, tuple[Said, int]] = {}
        self.applied_at: dict[str, int] = {}
        self.quarantine: dict[Place, tuple[str, str | None]] = {}
        self.states: dict[Place, str] = {}
        self.duplicates = 0
        self.merges = 0

    def deliver(self, members: Sequence[Member], *, now: int, delivery: str) -> None:
        """One delivery of a message, or of a batch of them, at the worker's clock ``now``."""
        for at, member in enumerate(members):
            if isinstance(member, Bad):
                # Without an id, equal texts are as many messages.
                before = [] if member.message_id else [each for each in members[:at] if each == member]
                self._refuse((delivery, member.text, len(before)), member.reason, member.message_id)
            else:
                self._receive(member, now, delivery)

    def ledger(self) -> dict[str, int]:
        """How many messages there are of each fate; every one that came is counted once."""
        states = list(self.states.values())
        counted = {
            "parked": len(self.parked),
            "applied": len(self.inbox) - len(self.parked),
            "quarantined": states.count("new"),
            "discarded": states.count("discarded"),
        }
        return {**counted, "received": sum(counted.values()), "replayed": states.count("replayed")}

    def tables(self) -> dict[str, Any]:
        """What the store must hold, by table, each row by its key; scores and content hashes beside the patterns."""
        applications = {
            each["id"]: self._application(entry, each) for entry in self.entries.values() for each in entry.applications
        }
        return {
            "patterns": {key: entry.row() for key, entry in self.entries.items()},
            "same content": self._same_content(),
            "tags": {(key, tag) for key, entry in self.entries.items() for tag in entry.row()["context_tags"] or ()},
            "aliases": dict(self.aliases),
            "applications": applications,
            "parked": {key: (said["kind"], said["pattern_id"], said["at"]) for key, said in self.parked.items()},
            "inbox": {key: (said["kind"], said["at"], now) for key, (said, now) in self.inbox.items()},
            "quarantine": sorted((each[1], *why, self.states[each]) for each, why in self.quarantine.items()),
            "counters": {
                "applied": len(self.inbox) - len(self.parked),
                "duplicates": self.duplicates,
                "merges": self.merges,
            },
        }

    def scores(self) -> dict[tuple[str, str], float]:
        """Both scores of every pattern."""
        return {
            (key, name): value
            for key, entry in self.entries.items()
            for name, value in (("effectiveness", entry.effectiveness), ("priority", entry.priority))
        }

    def _receive(self, message: Message, now: int, delivery: str) -> None:
        said = read(message)
        known, _ = self.inbox.setdefault(said["id"], (said, now))
        if known is said:
            self._take_effect(said, now)
        elif known == said:
            self.duplicates += 1
        else:
            self._refuse((delivery, comparable(message), 0), "id_reuse", said["id"])

    def _refuse(self, place: Place, reason: str, message_id: str | None) -> None:
        self.quarantine[place] = (reason, message_id)
        if self.states.get(place) != "discarded":
            self.states[place] = "new"

    def _take_effect(self, said: Said, now: int) -> None:
        if said["kind"] == "record_pattern":
            self._sighting(said, now)
        elif said["kind"] == RECALCULATION:
            for entry in self.entries.values():
                entry.score(now)
        else:
            self._about_a_pattern(said, now)

    def _sighting(self, said: Said, now: int) -> None:
        key = id_of(said["pattern_type"], said["pattern_name"])
        if key in self.entries:
            self.entries[key].own.append(said)
            return
        meant = self._meant(key) or self._alike(said)
        if meant is None:
            self.entries[key] = Entry(key, [said])
        else:
            meant.merged.append(said)
            self.aliases[key] = meant.id
            self.merges += 1
        waiting = [each for each in self.parked.values() if each["pattern_id"] == key]
        for each in sorted(waiting, key=stamp):
            del self.parked[each["id"]]
            self._about_a_pattern(each, now)

    def _about_a_pattern(self, said: Said, now: int) -> None:
        entry = self._meant(said["pattern_id"])
        if said["kind"] == "update_pattern_effectiveness":
            if entry is not None:
                entry.score(now)
        elif entry is None:
            self.parked[said["id"]] = said
        elif said["kind"] == "soft_delete_pattern":
            entry.deletes.append(said)
        else:
            entry.applications.append(said)
            self.applied_at[said["id"]] = now
            entry.score(now)

    def _meant(self, key: str) -> Entry | None:
        return self.entries.get(self.aliases.get(key, key))

    def _alike(self, said: Said) -> Entry | None:
        wanted = likeness(said["pattern_type"], said["pattern_name"], said.get("description"), said.get("fingerprint"))
        alike = [entry for entry in self.entries.values() if entry.likeness == wanted]
        best = max((entry.priority for entry in alike), default=0.0)
        return min(
            (entry for entry in alike if entry.priority >= best - _AS_GOOD_AS_EQUAL),
            key=lambda entry: entry.id,
            default=None,
        )

    def _same_content(self) -> dict[str, list[str]]:
        alike: defaultdict[tuple[str | None, ...], list[str]] = defaultdict(list)
        for key in sorted(self.entries):
            alike[self.entries[key].likeness].append(key)
        return {key: keys for keys in alike.values() for key in keys}

    def _application(self, entry: Entry, said: Said) -> dict[str, Any]:
        return {
            "pattern_id": entry.id,
            "execution_id": said["execution_id"],
            "occurred_at": said["at"],
            "applied_at": self.applied_at[said["id"]],
            "pattern_led_to_success": said["pattern_led_to_success"],
            "retry_count_before": said["retry_count_before"],
            "retry_count_after": said["retry_count_after"],
            "application_mode": said["application_mode"],
            "validation_passed": said.get("validation_passed"),
            "grounding_confidence": said.get("grounding_confidence"),
        }


def comparable(message: Message) -> str:
    """A message as a text that is the same for every spelling of it."""
    return json.dumps(read(message), sort_keys=True)
