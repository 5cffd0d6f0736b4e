"""The errors that ova_grid raises on purpose: one line for a person, with what to do."""


class GridError(Exception):
    """Something is wrong. str() is one line that says what, where, and the remedy."""
