"""Packs a plain .ovf into one .ova: the descriptor first, then manifest, certificate and files (DSP0243 5.3).

Every file keeps its name and its bytes; headers are USTAR, with the epoch as time and no owner, so that the same files
give the same archive. Must never pack files outside the descriptor's folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from . import tar
from .companions import CERTIFICATE, MANIFEST, right_name
from .edit import Edit
from .errors import PackageError, WriteError
from .extents import Carrier, Method, Report, write_all
from .file_references import check_inside, leads_outside
from .layout import Extent
from .limits import MAX_FOLDER
from .package import Kind, Package, open_regular
from .records import dataclass
from .write import Staged, stage_with


@dataclass(frozen=True)
class _Part:
    """A member of the archive: its header, and its bytes; None means the file with that name beside the descriptor."""

    name: str
    header: bytes
    size: int
    data: bytes | None


def descriptor_in(folder: Path) -> Path:
    """Return the only .ovf in `folder`. Raises PackageError if there is none, or more than one."""
    found = []
    for count, name in enumerate(os.scandir(folder)):
        if count >= MAX_FOLDER:
            raise PackageError(f"more than {MAX_FOLDER} files; a folder of its own is right")
        if name.name.lower().endswith(".ovf") and not name.name.startswith("._"):
            found.append(name.name)
    if len(found) != 1:
        several = f"{len(found)} descriptors: {', '.join(sorted(found)[:5])}" if found else "no .ovf"
        raise PackageError(f"has {several}; one, or the name of one instead of the folder's, is right")
    return folder / found[0]


def stage_archive(package: Package, edit: Edit, target: Path, *, mode: int, report: Report | None = None) -> Staged:
    """Write the .ova of a plain .ovf to the folder of `target`, with the small files of `edit`; see `write.stage`.

    Raises PackageError for a file that is missing or that no archive can hold, DescriptorError for a reference out of
    the package, WriteError.
    """
    if package.kind is not Kind.OVF:
        raise PackageError("is an .ova already; a folder or a plain .ovf is right")
    parts = list(_parts(package, edit))

    def fill(fd: int) -> Method:
        return _write(package, parts, fd, report)

    return stage_with(fill, target, mode=mode, durable=target.exists())


def archive_size(package: Package) -> int:
    """Return the approximate size of the archive in bytes, for a progress bar."""
    return sum(member.size for member in package.members)


def _parts(package: Package, edit: Edit) -> Iterator[_Part]:
    small: dict[str, bytes] = {package.descriptor.name: edit.descriptor}
    name = package.descriptor.name
    if edit.manifest is not None:
        small[package.manifest.name if package.manifest else right_name(name, MANIFEST)] = edit.manifest
    if edit.certificate is not None:
        small[package.certificate.name if package.certificate else right_name(name, CERTIFICATE)] = edit.certificate
    for each, data in small.items():
        yield _Part(each, _header(each, len(data)), len(data), data)
    for each, size in _files(package, small).items():
        yield _Part(each, _header(each, size), size, None)


def _files(package: Package, small: Mapping[str, bytes]) -> dict[str, int]:
    """The other files and their sizes in bytes: in the order of the references, then those that the manifest lists."""
    names: dict[str, None] = {}
    for where in package.located:
        check_inside(where.reference, web_allowed=False)
        if where.fault or not where.members:
            why = where.fault or f"{where.reference.href} is not in the package"
            raise PackageError(f"file {where.reference.id}: {why}")
        names.update(dict.fromkeys(where.members))
    for line in package.manifest.lines if package.manifest is not None else ():
        if line.algorithm and not line.passed and not leads_outside(line.name) and line.name in package.names:
            names[line.name] = None
    own = {each.name for each in (package.manifest, package.certificate) if each is not None}
    folder = package.path.parent
    return {each: (folder / each).stat().st_size for each in names if each not in small and each not in own}


def _header(name: str, size: int) -> bytes:
    header = tar.header_for(tar.safe_name(name), size)
    if header is None:
        raise PackageError(f"{name} does not fit a USTAR archive: a shorter name, or less than 8 GiB, is right")
    return header


def _write(package: Package, parts: list[_Part], fd: int, report: Report | None) -> Method:
    size = sum(tar.BLOCK + tar.round_up(part.size) for part in parts) + 2 * tar.BLOCK
    size = tar.round_up(size, tar.RECORD)
    method, offset = Method.SHARED, 0
    try:
        os.ftruncate(fd, size)  # unwritten parts are holes: the padding, and the zeros at the end
        for part in parts:
            write_all(fd, part.header, offset)
            offset += tar.BLOCK
            if part.data is not None:
                write_all(fd, part.data, offset)
            else:
                with open_regular(package.path.parent / part.name, part.name) as file:
                    if os.fstat(file.fileno()).st_size != part.size:
                        raise WriteError(f"{part.name} changed while it was read")
                    carrier = Carrier(file.fileno(), fd, report, to_disk=False)
                    carrier.extent(Extent(0, part.size), offset)
                    method = max(method, carrier.method, key=list(Method).index)
            offset += tar.round_up(part.size)
    except OSError as error:
        raise WriteError(f"the result cannot be written: {error.strerror or error}") from error
    return method
