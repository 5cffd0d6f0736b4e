"""Which systems hand no property to their guest: the gap that a seed closes.

Source: DSP0243 8.1 and 9.5.2 (ovf:transport). Pure.
"""

from __future__ import annotations

from collections.abc import Iterable

from .model import Content, SystemKind
from .notes import Note, NoteKind, note

_LISTED = 12


def transport_notes(content: Content, systems: Iterable[str]) -> list[Note]:
    """Return a note on those of these systems, by id, and of the ones in them, whose hardware declares no transport."""
    reached = set(systems)
    silent = []
    for system in content.systems:  # a collection stands before what is in it, which gets its properties
        if system.parent and system.parent in reached:
            reached.add(system.id)
        if system.kind is SystemKind.SYSTEM and system.transport == "" and system.id in reached:
            silent.append(system.id)
    if not silent:
        return []
    named = ", ".join(silent[:_LISTED]) + (", …" if len(silent) > _LISTED else "")
    text = f"no guest will see properties: the virtual hardware of {named} declares no ovf:transport (DSP0243 8.1)"
    return [note(NoteKind.TRANSPORT, f"{text}; a seed hands them over")]
