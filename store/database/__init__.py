"""Tables, connections and the schema's version, on SQLite and PostgreSQL."""
