"""Messages once more: from the quarantine, from the outboxes, from the history."""
