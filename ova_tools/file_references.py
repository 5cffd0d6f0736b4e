"""Where the references of a descriptor lead: to names within the package, or out of it.

Must never return a name that leads outside: callers may open what `reference_names` gives beside the descriptor.
An .ova holds all its files, so a reference out of it is refused at once (DSP0243 5.3). A plain .ovf may have its disks
anywhere (DSP0243 7.1 allows any relative path or URL); those elsewhere are never opened, and `verify` refuses them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from .chunks import chunk_fault
from .errors import DescriptorError
from .member_names import MemberNames
from .model import Reference
from .notes import Note, NoteKind, note
from .records import dataclass

# A URL scheme or a drive letter; a later colon is part of a plain name.
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|(file|data|https?|ftp):|[A-Za-z]:", re.IGNORECASE)


@dataclass(frozen=True)
class Located:
    """Where a reference leads: to `members` (one, or the chunks in order), or to none.

    `fault` says in one line why the members are not the file; '' if they are, or if there are none.
    """

    reference: Reference
    members: tuple[str, ...] = ()
    fault: str = ""
    notes: tuple[Note, ...] = ()


def locate(
    references: Sequence[Reference],
    names: MemberNames,
    size_of: Callable[[str], int],
    descriptor: str = "",
    others: Iterable[str] = (),
) -> tuple[Located, ...]:
    """Find the members that `references` lead to; one result for each reference.

    A name is looked for exactly, then in another normalisation or case. That second search skips members that another
    reference names exactly, and `others`, which no reference is about. `size_of` gives a member's size in bytes.
    """
    spelt = [reference_names(reference, descriptor) for reference in references]
    taken = {name for each in spelt for name in each if name in names or name in names.chunked}.union(others)
    return tuple(_locate(each, wanted, names, size_of, taken) for each, wanted in zip(references, spelt))


def _locate(
    reference: Reference, wanted: tuple[str, ...], names: MemberNames, size_of: Callable[[str], int], taken: set[str]
) -> Located:
    spaces = (names.chunked, names) if reference.chunk_size else (names, names.chunked)
    for space in spaces:
        for name in wanted:
            if name in space:
                return _found(reference, name, names, size_of, chunked=space is not names)
    for space in spaces:
        found = tuple(dict.fromkeys(each for name in wanted for each in space.alike(name) if each not in taken))
        if len(found) > 1:
            several = " and ".join(map(ascii, found[:4]))
            return Located(reference, fault=f"{reference.href} may be {several}; the name of one as it stands is right")
        if found:
            taken.add(found[0])
            text = f"{reference.href} is not in the package, {found[0]!a} is taken for it"
            spelling = note(NoteKind.MEMBER_NAME, text)
            return _found(reference, found[0], names, size_of, chunked=space is not names, spelling=spelling)
    return Located(reference)


def _found(
    reference: Reference,
    name: str,
    names: MemberNames,
    size_of: Callable[[str], int],
    *,
    chunked: bool,
    spelling: Note | None = None,
) -> Located:
    notes = [] if spelling is None else [spelling]
    if reference.chunk_size == 0:
        notes.append(note(NoteKind.CHUNKS, f"{reference.href} has a chunkSize of 0; it is read as if it had none"))
    if not chunked:
        if reference.chunk_size:
            text = f"{reference.href} is in one piece, the descriptor says chunks of {reference.chunk_size} bytes"
            notes.append(note(NoteKind.CHUNKS, text))
        return Located(reference, (name,), notes=tuple(notes))
    chunks = names.chunks(name)
    members = tuple(chunks[number] for number in sorted(chunks))
    if not reference.chunk_size:
        text = f"{reference.href} is there as {members[0]}, though the descriptor says nothing of chunks"
        notes.append(note(NoteKind.CHUNKS, text))
        if len(members) == 1 and 0 in chunks:  # as snapshots of VMware; a wrong ovf:size is only a note then
            return Located(reference, members, notes=tuple(notes))
    elif reference.size is None:
        text = f"{reference.href} is in chunks, and without ovf:size nothing says how many"
        notes.append(note(NoteKind.CHUNKS, text))
    if tuple(chunks.values()) != members:
        notes.append(note(NoteKind.CHUNKS, f"the chunks of {reference.href} do not follow each other in their order"))
    return Located(reference, members, chunk_fault(reference, name, chunks, size_of), tuple(notes))


def reference_names(reference: Reference, descriptor: str = "") -> tuple[str, ...]:
    """Return the possible names of the member for `reference`: its href as written, and percent-decoded.

    They are relative to the place of the member `descriptor`; if that is in a directory, the plain names follow. An
    href that leads outside gives none.
    """
    href = reference.href
    if leads_outside(href) or not href:
        return ()
    names = [name[2:] if name.startswith("./") else name for name in (href, _decoded(href))]
    directory = descriptor.rpartition("/")[0]
    if directory:
        names = [f"{directory}/{name}" for name in names] + names
    return tuple(dict.fromkeys(names))


def leads_outside(href: str) -> bool:
    """Tell whether `href` is a URL, an absolute path, or climbs with '..', percent-encoded or not."""
    if _SCHEME.match(href):
        return True
    paths = [name.replace("\\", "/") for name in (href, _decoded(href))]
    return any(path.startswith("/") or ".." in path.split("/") or "\0" in path for path in paths)


def _decoded(href: str) -> str:
    """Return `href` without percent-encoding; few have any."""
    if "%" not in href:
        return href
    from urllib.parse import unquote

    return unquote(href)


def on_the_web(href: str) -> bool:
    """Tell whether `href` is a web address, which a plain .ovf may have."""
    return href.lower().startswith(("http://", "https://"))


def check_inside(reference: Reference, *, web_allowed: bool) -> None:
    """Raise DescriptorError if `reference` leads outside the package, except to the web where that is allowed."""
    if leads_outside(reference.href) and not (web_allowed and on_the_web(reference.href)):
        raise DescriptorError(
            f"href {reference.href!r} of file {reference.id!r} leads outside the package; "
            "the name of a file in it is right, without leading '/' or '..' (DSP0243 5.3)"
        )
