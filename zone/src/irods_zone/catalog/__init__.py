"""The catalog of the embedded zone, in SQLite: the one place that knows SQL."""
