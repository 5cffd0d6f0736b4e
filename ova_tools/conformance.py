"""Notes on properties of an archive that DSP0243 does not allow but that are read all the same.

Strict readers refuse such packages. Must never read a file: headers are enough.
Source: DSP0243 5.3 (one file, OVA); POSIX.1-2017 pax, "ustar Interchange Format".
"""

from __future__ import annotations

from . import tar
from .layout import before_descriptor
from .notes import Note, NoteKind, note

_MAGIC = b"ustar\x00"


def archive_notes(index: tar.Index, descriptor: str) -> tuple[Note, ...]:
    """Return what is odd about the archive: order, headers, end. `descriptor` is the member's name."""
    notes = []
    before = before_descriptor(index, descriptor)
    if before:
        text = f"{descriptor} is not the first member, {before[0].name or './'} is; the descriptor first is right"
        notes.append(note(NoteKind.ORDER, f"{text} (DSP0243 5.3)"))
    pax = [entry for entry in index.entries if entry.pax]
    if pax:
        whose = f"the first is {pax[0].name}'s" if pax[0].name else "the first is of the whole archive"
        text = f"{len(pax)} pax headers, {whose}; headers of USTAR alone are right (DSP0243 5.3)"
        notes.append(note(NoteKind.PAX, text))
    foreign = [entry for entry in index.entries if not _is_ustar(entry)]
    if foreign:
        kind = "of GNU tar" if foreign[0].header[257:262] == _MAGIC[:5] else "without the magic of USTAR"
        text = f"{len(foreign)} of {len(index.entries)} headers are {kind}, the first is {foreign[0].name or './'}'s"
        notes.append(note(NoteKind.USTAR_MAGIC, f"{text}; USTAR is right (DSP0243 5.3)"))
    if index.missing:
        blocks = "no block" if index.unfinished else "one block"
        text = f"the archive ends with {blocks} of zeros, two are right (POSIX, ustar)"
        notes.append(note(NoteKind.END_BLOCKS, text))
    return tuple(notes)


def _is_ustar(entry: tar.Entry) -> bool:
    long_name = entry.extended and not entry.pax
    return entry.header[257:263] == _MAGIC and not long_name and not entry.header[124] & 0x80  # a size in base 256
