"""The files that a machine runs on: copies in a folder of its own, each with a note of what it is.

The note is an extended attribute of the file itself, so it stays with the file whatever is defined: whose it is, what
it was made from, and how the file was then. A file without a note was put there by somebody else, and stays. One that
is not as its note says was written to.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from pathlib import Path

from ova_tools import qemu_img
from ova_tools.errors import DeployError
from ova_tools.extents import Method, copy_part
from ova_tools.layout import Extent
from ova_tools.manifest import file_digest
from ova_tools.package import open_regular
from ova_tools.records import dataclass
from ova_tools.write import stage_with

Report = Callable[[int], None]
_NOTE = "user.ova_tools.deployed"
_MOST_NOTE = 1024


@dataclass(frozen=True)
class Copy:
    """A file that is to be copied. `content`: a hash of what it follows from; `owner`: the machine's UUID.

    `is_disk`: it is a qcow2, and may lead to no other file. `is_written`: what it replaces was written to.
    """

    source: Path
    place: Path
    owner: str
    content: str
    is_disk: bool
    is_written: bool = False

    @property
    def replaces(self) -> bool:
        """Whether there is a file in its place."""
        return os.path.lexists(self.place)

    @property
    def size(self) -> int:
        """The bytes to copy."""
        return self.source.stat().st_size


def needed(source: Path, place: Path, owner: str, content: str, *, is_disk: bool) -> Copy | None:
    """Return the copy that is to be made, None if the file is there. Raises DeployError for a file of another's."""
    copy = Copy(source, place, owner, content, is_disk)
    if not os.path.lexists(place):
        return copy
    note = _note_of(place)
    if note is None or note.get("owner") != owner:
        raise DeployError(f"{place} is there, and was not put there for this machine; it stays as it is")
    if note.get("content") == content:
        return None
    is_written = note.get("file") != _identity(place.stat())
    return Copy(source, place, owner, content, is_disk, is_written)


def carry(each: Copy, report: Report) -> None:
    """Copy a file, in one step for whoever looks. Raises DeployError, ComposeError, PackageError and WriteError.

    What is put in place is what was examined: a disk that led to other files would let its machine read them.
    """
    with open_regular(str(each.source), each.source.name, follow=False) as source:
        size = os.fstat(source.fileno()).st_size

        def fill(out: int) -> Method:
            method = copy_part(source.fileno(), out, Extent(0, size), report=report, to_disk=True)
            if each.is_disk:
                qemu_img.examine(out, each.source.name, "qcow2")
            note = {"owner": each.owner, "content": each.content, "file": _identity(os.fstat(out))}
            with contextlib.suppress(OSError):  # then no later run takes it for this machine's: it stays as it is
                os.setxattr(out, _NOTE, json.dumps(note).encode())
            return method

        with stage_with(fill, each.place) as staged:
            staged.commit()


def digest_of(file: Path, algorithm: str, most: int | None = None) -> str:
    """The digest of a file, in hexadecimal. Raises DeployError for one of more than `most` bytes, and PackageError."""
    with open_regular(str(file), file.name, follow=False) as stream:
        size = os.fstat(stream.fileno()).st_size
        if most is not None and size > most:
            raise DeployError(f"{file.name} has {size} bytes; at most {most} are right")
        return file_digest(stream.fileno(), 0, size, algorithm)


def _note_of(place: Path) -> dict[str, str] | None:
    try:
        note = json.loads(os.getxattr(place, _NOTE, follow_symlinks=False)[:_MOST_NOTE])
    except (OSError, ValueError):
        return None
    return note if isinstance(note, dict) else None


def _identity(found: os.stat_result) -> str:
    return f"{found.st_mtime_ns}-{found.st_size}"
