"""Every error that Ostinato raises; the branch decides what becomes of a message.

OstinatoError
├── PermanentError          the message can never be applied: it is quarantined, whole
│   └── MalformedMessage    its shape, a type or a limit is wrong
├── TransientError          nothing is wrong with the message: roll back, try again later
│   ├── StoreUnavailable *  the database does not answer, is locked or has no room
│   ├── StoreOutdated *     the database has not been brought to this version's schema
│   ├── BrokerUnavailable   the broker did not take the message in time
│   └── OutboxUnavailable   a producer's outbox cannot be read or written: it did not take the message
│       └── OutboxFull      or has no room for it
├── NotFound *              a query named a pattern, or a message in the quarantine, that the store does not have
│   └── AmbiguousPrefix *   or more than one that it has
├── HistoryPruned *         what was asked for needs messages whose content is gone
└── ConfigurationError      a setting cannot work; the sentence says which and what to do

Those with a star are raised only by the store, and are defined in `store.errors`.
"""


class OstinatoError(Exception):
    """The base of every error that Ostinato raises on purpose."""


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
    """Nothing is wrong with the message; the same call succeeds once the trouble is over."""


class BrokerUnavailable(TransientError):
    """The broker did not take the message in time; it may have it all the same, so send it again with its id."""


class OutboxUnavailable(TransientError):
    """A producer's outbox cannot be read or written; it did not take the message."""


class OutboxFull(OutboxUnavailable):
    """Too much waits in a producer's outbox, or has waited for too long; it did not take the message."""


class ConfigurationError(OstinatoError):
    """A setting cannot work."""
