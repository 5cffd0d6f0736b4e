"""An OVF package opened for reading: an .ova, or an .ovf with the files beside it.

Reads the tar's headers, the descriptor, the manifest and the certificate; must never read a disk and never write.
Source: DSP0243 5.1 (files of a package), 5.3 (one file, OVA), 7.1 (references).
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Callable
from enum import Enum
from functools import partial

from . import companions, tar
from .conformance import archive_notes
from .descriptor import parse
from .errors import PackageError
from .file_references import Located, check_inside, leads_outside, locate, reference_names
from .limits import MAX_CERTIFICATE_BYTES, MAX_DESCRIPTOR_BYTES, MAX_MANIFEST_BYTES
from .manifest import Manifest, manifest_notes, parse_manifest
from .member_names import MemberNames
from .model import Configuration, Content, Property, Reference, System
from .notes import Note, NoteKind, note
from .records import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

__all__ = [
    "Certificate",
    "Descriptor",
    "Kind",
    "Member",
    "Package",
    "Property",
    "open_regular",
    "read_archive",
    "read_archive_from",
    "read_package",
]

_XML_STARTS = (b"<", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\0<")


class Kind(Enum):
    """How the package is stored."""

    OVA = "ova"
    OVF = "ovf"


@dataclass(frozen=True)
class Member:
    """A file of the package: its name, the byte offset of its data in the file that holds it, its size in bytes."""

    name: str
    offset: int
    size: int


@dataclass(frozen=True)
class Descriptor:
    """The OVF descriptor: the member's name, its unchanged bytes, and their content."""

    name: str
    data: bytes = field(repr=False)
    content: Content = field(repr=False)


@dataclass(frozen=True)
class Certificate:
    """The certificate file of a signed package, unread."""

    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class Package:
    """An open package. Close it, or use it in a `with` statement; `archive` is valid until then.

    `members` are its existing files; `located` says for each reference where it leads. `names` are those of its
    members, or, beside a plain .ovf, of all files that could be members. `notes` are what is odd about it.
    """

    location: str
    kind: Kind
    members: tuple[Member, ...]
    descriptor: Descriptor
    manifest: Manifest | None
    certificate: Certificate | None
    size: int
    located: tuple[Located, ...] = field(repr=False)
    names: MemberNames = field(repr=False, compare=False)
    notes: tuple[Note, ...] = field(repr=False)
    index: tar.Index | None = field(repr=False)
    file: io.FileIO | tar.Reader = field(repr=False, compare=False)

    @property
    def archive(self) -> tar.Archive:
        """The descriptor of the open .ova or .ovf file, or the reader that the package was opened with."""
        return self.file.fileno() if isinstance(self.file, io.FileIO) else self.file

    @property
    def path(self) -> Path:
        """Its path, as it was given."""
        from pathlib import Path

        return Path(self.location)

    @property
    def properties(self) -> tuple[Property, ...]:
        """Every property, in the order of the descriptor."""
        return self.descriptor.content.properties

    @property
    def systems(self) -> tuple[System, ...]:
        """Every virtual system and collection, in the order of the descriptor."""
        return self.descriptor.content.systems

    @property
    def references(self) -> tuple[Reference, ...]:
        """Every file the descriptor refers to."""
        return self.descriptor.content.references

    @property
    def configurations(self) -> tuple[Configuration, ...]:
        """The deployment options."""
        return self.descriptor.content.configurations

    def fileno(self) -> int:
        """Return the descriptor of the open .ova or .ovf file. Raises io.UnsupportedOperation if a reader reads it."""
        if not isinstance(self.file, io.FileIO):
            raise io.UnsupportedOperation(f"{self.location} is no file of this machine")
        return self.file.fileno()

    def close(self) -> None:
        """Close the file. A reader stays open: it is its owner's."""
        if isinstance(self.file, io.FileIO):
            self.file.close()

    def __enter__(self) -> Package:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def read_package(path: str | os.PathLike[str]) -> Package:
    """Open the package at `path`, an .ova or an .ovf. The content decides which.

    Reads headers, descriptor, manifest and certificate only. Raises PackageError if the file cannot be read or is not a
    safe and complete package, DescriptorError for its descriptor.
    """
    return _read(os.fspath(path), archive=False)


def read_archive(path: str | os.PathLike[str]) -> Package:
    """Open the package at `path`, which must be an .ova. Files beside it are not looked at: they may be unrelated.

    Raises what `read_package` raises, and PackageError for a bare descriptor.
    """
    return _read(os.fspath(path), archive=True)


def read_archive_from(reader: tar.Reader, shown: str) -> Package:
    """Open the .ova behind a reader; `shown` is its location in messages. Reads and raises what `read_archive` does.

    The package is read through `reader`, which its owner closes when the package is no longer used.
    """
    try:
        start = tar.pread(reader, tar.BLOCK, 0)
        if tar.looks_like_tar(start):
            return _read_ova(shown, reader, reader, reader.size)
        raise _no_archive(shown, reader, reader.size, start)
    except OSError as error:
        raise PackageError(f"cannot be read: {error.strerror or error}") from error


def _read(place: str, *, archive: bool) -> Package:
    file = open_regular(place)
    try:
        size = os.fstat(file.fileno()).st_size
        start = os.pread(file.fileno(), tar.BLOCK, 0)
        if tar.looks_like_tar(start):
            return _read_ova(place, file, file.fileno(), size)
        if not archive and _may_be_descriptor(place, start):
            return _read_ovf(place, file, size)
        raise _no_archive(place, file.fileno(), size, start)
    except OSError as error:
        file.close()
        raise PackageError(f"cannot be read: {error.strerror or error}") from error
    except BaseException:
        file.close()
        raise


def _may_be_descriptor(place: str, start: bytes) -> bool:
    return start.lstrip(b" \t\r\n").startswith(_XML_STARTS) or place.lower().endswith(".ovf")


def _no_archive(place: str, archive: tar.Archive, size: int, start: bytes) -> PackageError:
    """Return the error for what is no tar archive. Raises DescriptorError for, say, a page of a web server."""
    if not _may_be_descriptor(place, start):
        return PackageError(_neither(start, size))
    _check_limit("", size, MAX_DESCRIPTOR_BYTES)
    _load_descriptor("", _read_exactly(archive, "", size, 0))
    return PackageError("is an OVF descriptor without its files; an .ova, one archive of all, is right (DSP0243 5.3)")


def open_regular(path: str | os.PathLike[str], shown: str = "", *, follow: bool = True) -> io.FileIO:
    """Open a regular file for reading; raise PackageError for anything else: a pipe would block.

    `shown` is the name of the file in the message, if it is not the package itself. `follow`: also one that a symbolic
    link leads to.
    """
    name = f"{shown} " if shown else ""
    try:
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
        descriptor = os.open(path, flags)
    except (OSError, ValueError) as error:
        raise PackageError(f"{name}cannot be opened: {getattr(error, 'strerror', None) or error}") from error
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        kind = "a directory, not a file" if stat.S_ISDIR(mode) else "not a regular file"
        raise PackageError(f"{name}is {kind}")
    return io.FileIO(descriptor, "r")


def _neither(start: bytes, size: int) -> str:
    if size == 0:
        return "is empty, neither a tar archive (.ova) nor an OVF descriptor (.ovf)"
    if start[:2] == b"\x1f\x8b":
        return "is compressed with gzip; an OVA is a plain tar archive (DSP0243 5.3)"
    if start[257:262] == b"ustar":
        return "checksum error in the tar header at byte 0"
    if size < tar.BLOCK:
        return f"has {size} bytes only, too few for a tar archive (.ova), and is no OVF descriptor (.ovf)"
    return "is neither a tar archive (.ova) nor an OVF descriptor (.ovf)"


def _read_ova(location: str, file: io.FileIO | tar.Reader, archive: tar.Archive, size: int) -> Package:
    index = tar.read_index(archive, size)
    entries = {entry.name: entry for entry in index.entries if entry.is_file}

    def load(name: str, limit: int) -> bytes:
        entry = entries[name]
        _check_limit(name, entry.size, limit)
        return _read_exactly(archive, name, entry.size, entry.data_offset)

    name = _descriptor_name(tuple(entries))
    descriptor = _load_descriptor(name, load(name, MAX_DESCRIPTOR_BYTES))
    for reference in descriptor.content.references:
        check_inside(reference, web_allowed=False)
    names = MemberNames(entries)
    found = companions.in_archive(name, names, entries)
    manifest = _load_manifest(found, name, load, names)
    if index.unfinished and manifest is None:
        raise PackageError(
            f"truncated archive: no end-of-archive block at byte {index.tail}, "
            "and no manifest by which the members could be known to be all"
        )
    located = _locate(descriptor, names, lambda each: entries[each].size, found)
    return Package(
        location=location,
        kind=Kind.OVA,
        members=tuple(Member(entry.name, entry.data_offset, entry.size) for entry in entries.values()),
        descriptor=descriptor,
        manifest=manifest,
        certificate=_load_certificate(found.certificate, load),
        size=size,
        located=located,
        names=names,
        notes=(*archive_notes(index, name), *_notes(descriptor, found, manifest, located)),
        index=index,
        file=file,
    )


def _read_ovf(location: str, file: io.FileIO, size: int) -> Package:
    directory, name = os.path.dirname(location) or ".", os.path.basename(location)

    def load(name: str, limit: int) -> bytes:
        return _load_beside(directory, name, limit)

    _check_limit(name, size, MAX_DESCRIPTOR_BYTES)
    descriptor = _load_descriptor(name, _read_exactly(file.fileno(), name, size, 0))
    found = companions_beside(directory, name)
    manifest = _load_manifest(found, name, load, None)
    wanted = [each for reference in descriptor.content.references for each in reference_names(reference)]
    wanted += [line.name for line in (manifest.lines if manifest else ()) if not leads_outside(line.name)]
    names = MemberNames([name, *companions.files_beside(directory, wanted)])
    manifest = _load_manifest(found, name, load, names)
    located = _locate(descriptor, names, lambda each: os.stat(os.path.join(directory, each)).st_size, found)
    own = [each for each in (name, found.manifest, found.certificate) if each is not None]
    members = dict.fromkeys([*own, *(each for where in located for each in where.members)])
    return Package(
        location=location,
        kind=Kind.OVF,
        members=tuple(Member(each, 0, os.stat(os.path.join(directory, each)).st_size) for each in members),
        descriptor=descriptor,
        manifest=manifest,
        certificate=_load_certificate(found.certificate, load),
        size=size,
        located=located,
        names=names,
        notes=_notes(descriptor, found, manifest, located),
        index=None,
        file=file,
    )


def companions_beside(directory: str, name: str) -> companions.Companions:
    """Find the manifest and the certificate of the plain .ovf `name` in `directory`. Raises PackageError."""
    right = [companions.right_name(name, suffix) for suffix in (companions.MANIFEST, companions.CERTIFICATE)]
    files = [each for each in companions.files_beside(directory, right) if each != name]
    load = partial(_load_beside, directory, limit=MAX_MANIFEST_BYTES)
    return companions.beside(name, MemberNames(files), files, load)


def _load_beside(directory: str, name: str, limit: int) -> bytes:
    with open_regular(os.path.join(directory, name), name) as file:
        length = os.fstat(file.fileno()).st_size
        _check_limit(name, length, limit)
        return _read_exactly(file.fileno(), name, length, 0)


def _locate(
    descriptor: Descriptor, names: MemberNames, size_of: Callable[[str], int], found: companions.Companions
) -> tuple[Located, ...]:
    own = [each for each in (descriptor.name, found.manifest, found.certificate) if each is not None]
    return locate(descriptor.content.references, names, size_of, descriptor.name, own)


def _notes(
    descriptor: Descriptor, found: companions.Companions, manifest: Manifest | None, located: tuple[Located, ...]
) -> tuple[Note, ...]:
    notes = []
    namespace = descriptor.content.namespace
    if namespace.endswith("/"):
        text = f"the namespace of the descriptor is {namespace}; the right one has no slash at its end"
        notes.append(note(NoteKind.NAMESPACE, text))
    notes += found.notes
    if manifest is not None:
        notes += manifest_notes(manifest)
    return (*notes, *(each for where in located for each in where.notes))


def _check_limit(name: str, size: int, limit: int) -> None:
    if size > limit:
        raise PackageError(f"{name} has {size} bytes, at most {limit} are right")


def _read_exactly(archive: tar.Archive, name: str, size: int, offset: int) -> bytes:
    parts = []
    while size:
        part = tar.pread(archive, size, offset)
        if not part:
            raise PackageError(f"truncated: {name} became shorter while it was read")
        parts.append(part)
        size -= len(part)
        offset += len(part)
    return b"".join(parts)


def _load_descriptor(name: str, data: bytes) -> Descriptor:
    return Descriptor(name, data, parse(data))


def _load_manifest(
    found: companions.Companions, descriptor: str, load: Callable[[str, int], bytes], names: MemberNames | None
) -> Manifest | None:
    if found.manifest is None:
        return None
    signing = {companions.right_name(each, companions.CERTIFICATE) for each in (descriptor, found.manifest)}
    if found.certificate is not None:
        signing.add(found.certificate)
    return parse_manifest(found.manifest, load(found.manifest, MAX_MANIFEST_BYTES), names, signing)


def _load_certificate(name: str | None, load: Callable[[str, int], bytes]) -> Certificate | None:
    return None if name is None else Certificate(name, load(name, MAX_CERTIFICATE_BYTES))


def _descriptor_name(names: tuple[str, ...]) -> str:
    # "._x.ovf" is what macOS tar stores beside x.ovf for the Finder.
    found = [n for n in names if n.lower().endswith(".ovf") and not n.rpartition("/")[2].startswith("._")]
    if not found:
        raise PackageError("no descriptor: no member's name ends with .ovf")
    if len(found) > 1:
        raise PackageError(f"{len(found)} descriptors: {', '.join(found[:5])}; one .ovf is right (DSP0243 5.1)")
    return found[0]
