"""What ova_admin raises on purpose: one line for the administrator, with what to do."""

from __future__ import annotations


class AdminError(Exception):
    """Something is not as it must be; str() is one line that says what, where, and the remedy."""


def one_line(text: str) -> str:
    """`text` without line breaks and control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
