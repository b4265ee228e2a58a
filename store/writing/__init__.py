"""One delivery, one transaction: inbox, effect, parked or quarantined; and the recalculation."""
