"""Every error Ostinato raises; its branch decides what becomes of a message.

OstinatoError
├── PermanentError          the message can never be applied: it is quarantined, whole
│   └── MalformedMessage    its shape, a type or a limit is wrong
├── TransientError          nothing is wrong with the message: roll back, try again later
│   ├── StoreUnavailable    the database does not answer, is locked or has no room
│   ├── StoreOutdated       the database has not been brought to this version's schema
│   ├── BrokerUnavailable   the broker did not take the message in time
│   └── OutboxUnavailable   a producer's outbox cannot be read or written: it did not take the message
│       └── OutboxFull      the outbox has no room for the message
├── NotFound                the store has no pattern, or no message in the quarantine, of the name in a query
│   └── AmbiguousPrefix     the store has more than one
├── HistoryPruned           the answer needs messages whose content was pruned
└── ConfigurationError      a setting cannot work; the sentence says which and what to do
"""


class OstinatoError(Exception):
    """Every error that Ostinato raises on purpose."""


class PermanentError(OstinatoError):
    """The message can never be applied.

    ``reason_code`` is one of the documented codes (lower case, underscores), ``detail`` a sentence for people.
    """

    def __init__(self, reason_code: str, detail: str) -> None:
        super().__init__(f"{reason_code}: {detail}")
        self.reason_code = reason_code
        self.detail = detail


class MalformedMessage(PermanentError):
    """The shape of a message, the type of a field or a limit is wrong."""


class TransientError(OstinatoError):
    """Nothing is wrong with the message: the same call succeeds once the trouble is over."""


class StoreUnavailable(TransientError):
    """The database does not answer, another process holds it locked, or it has no room."""


class StoreOutdated(TransientError):
    """The database's schema is not this version's."""


class BrokerUnavailable(TransientError):
    """The broker did not take the message in time. It may have taken it all the same: send it again with its id."""


class OutboxUnavailable(TransientError):
    """A producer's outbox cannot be read or written; it did not take the message."""


class OutboxFull(OutboxUnavailable):
    """Too much waits in a producer's outbox, or has waited for too long; it did not take the message."""


class NotFound(OstinatoError):
    """No pattern, or no message in the quarantine, has the id, alias or prefix asked for."""


class AmbiguousPrefix(NotFound):
    """More than one id or alias begins with the prefix asked for."""


class HistoryPruned(OstinatoError):
    """The answer needs messages whose content was pruned."""


class ConfigurationError(OstinatoError):
    """A setting cannot work."""
