"""`ostinato import-sqlite`: the predecessor's SQLite file is read, and its rows become messages."""
