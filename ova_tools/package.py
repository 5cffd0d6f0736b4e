"""An OVF package opened for reading: an .ova, or an .ovf with the files beside it.

Reads the tar's headers, the descriptor, the manifest and the certificate; must never read a disk and never write.
Source: DSP0243 5.1 (files of a package), 5.3 (one file, OVA), 7.1 (references).
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Callable, Collection
from enum import Enum

from . import tar
from .descriptor import parse
from .errors import PackageError
from .file_references import check_inside, reference_names
from .limits import MAX_CERTIFICATE_BYTES, MAX_DESCRIPTOR_BYTES, MAX_MANIFEST_BYTES
from .manifest import Manifest, parse_manifest
from .model import Configuration, Content, Property, Reference, System
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
    "read_package",
    "require_archive",
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
    """The OVF descriptor: the member's name, its bytes as they are, and what they say."""

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
    """An open package. Close it, or use it in a `with` statement; `fileno()` is valid until then."""

    location: str
    kind: Kind
    members: tuple[Member, ...]
    descriptor: Descriptor
    manifest: Manifest | None
    certificate: Certificate | None
    size: int
    index: tar.Index | None = field(repr=False)
    file: io.FileIO = field(repr=False, compare=False)

    @property
    def path(self) -> Path:
        """Where it lies, as it was given."""
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
        """Return the descriptor of the open .ova or .ovf file, open for reading."""
        return self.file.fileno()

    def close(self) -> None:
        """Close the file."""
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
    """Open the package at `path`, an .ova or an .ovf; what it is is told from its content.

    Reads headers, descriptor, manifest and certificate only. Raises PackageError if the file cannot be read or is
    not a safe and complete package, DescriptorError for its descriptor.
    """
    place = os.fspath(path)
    file = open_regular(place)
    try:
        size = os.fstat(file.fileno()).st_size
        start = os.pread(file.fileno(), tar.BLOCK, 0)
        if tar.looks_like_tar(start):
            return _read_ova(place, file, size)
        if start.lstrip(b" \t\r\n").startswith(_XML_STARTS) or place.lower().endswith(".ovf"):
            return _read_ovf(place, file, size)
        raise PackageError(_neither(start, size))
    except OSError as error:
        file.close()
        raise PackageError(f"cannot be read: {error.strerror or error}") from error
    except BaseException:
        file.close()
        raise


def open_regular(path: str | os.PathLike[str], shown: str = "") -> io.FileIO:
    """Open a regular file for reading; raise PackageError for anything else: a pipe would block.

    `shown` is what the message calls the file, where it is not the package itself.
    """
    name = f"{shown} " if shown else ""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
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


def _read_ova(location: str, file: io.FileIO, size: int) -> Package:
    index = tar.read_index(file.fileno(), size)
    entries = {entry.name: entry for entry in index.entries if entry.is_file}

    def load(name: str, limit: int) -> bytes:
        entry = entries[name]
        _check_limit(name, entry.size, limit)
        return _read_exactly(file.fileno(), name, entry.size, entry.data_offset)

    name = _descriptor_name(tuple(entries))
    descriptor = _load_descriptor(name, load(name, MAX_DESCRIPTOR_BYTES))
    for reference in descriptor.content.references:
        check_inside(reference, web_allowed=False)
    manifest_name = _companion(name, ".mf", tuple(entries))
    certificate_name = _companion(name, ".cert", tuple(entries))
    return Package(
        location=location,
        kind=Kind.OVA,
        members=tuple(Member(entry.name, entry.data_offset, entry.size) for entry in entries.values()),
        descriptor=descriptor,
        manifest=_load_manifest(manifest_name, load, entries),
        certificate=_load_certificate(certificate_name, load),
        size=size,
        index=index,
        file=file,
    )


def _read_ovf(location: str, file: io.FileIO, size: int) -> Package:
    from pathlib import Path

    path = Path(location)
    directory = path.parent

    def load(name: str, limit: int) -> bytes:
        with open_regular(directory / name, name) as companion:
            length = os.fstat(companion.fileno()).st_size
            _check_limit(name, length, limit)
            return _read_exactly(companion.fileno(), name, length, 0)

    _check_limit(path.name, size, MAX_DESCRIPTOR_BYTES)
    descriptor = _load_descriptor(path.name, _read_exactly(file.fileno(), path.name, size, 0))
    names = {path.name: None}  # for their order
    manifest_name, certificate_name = (
        name if (directory / name).is_file() else None for name in (path.stem + ".mf", path.stem + ".cert")
    )
    names.update({name: None for name in (manifest_name, certificate_name) if name is not None})
    for reference in descriptor.content.references:
        name = next((n for n in reference_names(reference) if _is_file(directory / n)), None)
        if name is not None:
            names[name] = None
    return Package(
        location=location,
        kind=Kind.OVF,
        members=tuple(Member(name, 0, (directory / name).stat().st_size) for name in names),
        descriptor=descriptor,
        manifest=_load_manifest(manifest_name, load),
        certificate=_load_certificate(certificate_name, load),
        size=size,
        index=None,
        file=file,
    )


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False  # a name no file system can hold


def _check_limit(name: str, size: int, limit: int) -> None:
    if size > limit:
        raise PackageError(f"{name} has {size} bytes, at most {limit} are right")


def _read_exactly(fd: int, name: str, size: int, offset: int) -> bytes:
    parts = []
    while size:
        part = os.pread(fd, size, offset)
        if not part:
            raise PackageError(f"truncated: {name} became shorter while it was read")
        parts.append(part)
        size -= len(part)
        offset += len(part)
    return b"".join(parts)


def _load_descriptor(name: str, data: bytes) -> Descriptor:
    return Descriptor(name, data, parse(data))


def _load_manifest(
    name: str | None, load: Callable[[str, int], bytes], members: Collection[str] = ()
) -> Manifest | None:
    return None if name is None else parse_manifest(name, load(name, MAX_MANIFEST_BYTES), members)


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


def _companion(descriptor: str, suffix: str, names: tuple[str, ...]) -> str | None:
    """Return the member with the descriptor's base name and `suffix`, else the only member with that suffix."""
    right = descriptor[: -len(".ovf")] + suffix
    if right in names:
        return right
    found = [n for n in names if n.lower().endswith(suffix) and not n.rpartition("/")[2].startswith("._")]
    if len(found) > 1:
        raise PackageError(f"{len(found)} members end with {suffix}: {', '.join(found[:5])}; {right} would be right")
    return found[0] if found else None


def require_archive(package: Package) -> None:
    """Raises PackageError for a bare descriptor: what lies beside it may be none of its business."""
    if package.kind is not Kind.OVA:
        raise PackageError(
            "is an OVF descriptor without its files; an .ova, one archive of all, is right (DSP0243 5.3)"
        )
