"""The errors that only the store raises; `ostinato.errors` draws them in the tree of all errors."""

from ostinato.errors import OstinatoError, TransientError


class StoreUnavailable(TransientError):
    """The database does not answer, another connection holds a lock on it, or it has no room."""


class StoreOutdated(TransientError):
    """The database's schema is not this version's."""


class NotFound(OstinatoError):
    """No pattern, or no message in the quarantine, has the id, alias or prefix asked for."""


class AmbiguousPrefix(NotFound):
    """More than one pattern or message begins with the prefix asked for."""


class HistoryPruned(OstinatoError):
    """What was asked for needs messages whose content was pruned."""
