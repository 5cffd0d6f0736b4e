"""What is odd about a package, and yet no error: a kind, for programs, and a text, for people.

`package.read_package`, `verify` and `edit` find notes; the command prints them and the rules keep them. Must never hold
a value of a property.
"""

from __future__ import annotations

from enum import Enum

from .errors import one_line
from .records import dataclass


class NoteKind(Enum):
    """What a note is about. The values stand in the JSON form (docs/ova-tools.md): none is renamed or removed."""

    CERTIFICATE = "certificate"
    CHUNKS = "chunks"
    COMPANION_NAME = "name of manifest or certificate"
    CONFIGURATION = "configuration"
    END_BLOCKS = "end blocks"
    EXTRA_MEMBER = "extra member"
    MANIFEST_LINE = "manifest line"
    MEMBER_NAME = "member name"
    NAMESPACE = "namespace"
    NOT_CHECKED = "not checked"
    NOT_LISTED = "not listed"
    ORDER = "order"
    PAX = "pax headers"
    SEED = "seed"
    SIZE = "size"
    TRANSPORT = "transport"
    USTAR_MAGIC = "ustar magic"


@dataclass(frozen=True)
class Note:
    """One oddity. `text` is one printable line without a full stop; `str(note)` is the text. `note` makes one."""

    kind: NoteKind
    text: str

    def __str__(self) -> str:
        return self.text


def note(kind: NoteKind, text: str) -> Note:
    """Return a note; whatever names of a hostile package `text` holds, it becomes one printable line."""
    return Note(kind, one_line(text))
