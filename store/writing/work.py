"""What one delivery does to the store: loaded by a few statements, changed in memory, written back by a few."""

from collections.abc import Sequence

from sqlalchemy import insert

from store.database.tables import applications
from store.events import Effect
from store.writing.parking import Parking
from store.writing.transaction import Transaction
from store.writing.unit_of_work import PatternRows

_ADD_APPLICATIONS = insert(applications)


class Work:
    """The rows that some events touch: the patterns they name or mean, what is parked for those, applications.

    ``delivery`` is the id of the one that brought the event whose turn it is.
    """

    def __init__(self, transaction: Transaction, events: Sequence[Effect]) -> None:
        self.transaction = transaction
        self.delivery = ""
        self.patterns = PatternRows(transaction.connection, transaction.held, events)
        names = {event.pattern_id for event in events}
        self.parking = Parking(transaction.connection, {each for each in names if self.patterns.meant(each) is None})
        self.applications: list[dict[str, object]] = []

    def write(self) -> None:
        """Write down what the events have done."""
        self.patterns.write()
        if self.applications:
            self.transaction.connection.execute(_ADD_APPLICATIONS, self.applications)
        self.parking.write(self.transaction.now)
