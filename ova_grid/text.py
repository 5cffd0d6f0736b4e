"""Text for terminals: names stay whole, and no text from a zone can control a terminal."""

from __future__ import annotations


def counted(number: int, thing: str) -> str:
    """`1 task`, `2 tasks`."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def whole(name: str) -> str:
    """A name or a value, with characters escaped that would break the line or the terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in name)
