"""Taking over what the predecessor learnt: its SQLite file is read, never written, and becomes messages."""
