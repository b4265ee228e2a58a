"""Once more: messages from the quarantine, from the outboxes, from the history."""
