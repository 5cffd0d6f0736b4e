"""Reverts a known change of a text that was changed elsewhere, too (`patch --reverse`). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher


def undone(before: bytes, after: bytes, now: bytes) -> bytes | None:
    """`now` without the change that made `before` into `after`; None if its place is not certain."""
    if now == after:
        return before
    old, new, lines = (text.splitlines(keepends=True) for text in (before, after, now))
    # Groups have three unchanged lines around them, and more than six between them.
    for group in reversed(list(SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(3))):
        changed_to = new[group[0][3] : group[-1][4]]
        places = _places(lines, changed_to)
        if len(places) != 1:
            return None
        lines[places[0] : places[0] + len(changed_to)] = old[group[0][1] : group[-1][2]]
    return b"".join(lines)


def _places(lines: Sequence[bytes], wanted: Sequence[bytes]) -> list[int]:
    last = len(lines) - len(wanted)
    return [start for start in range(last + 1) if lines[start : start + len(wanted)] == wanted]
