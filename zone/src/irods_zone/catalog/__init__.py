"""The catalog of the embedded zone, in SQLite: the only place with SQL."""
