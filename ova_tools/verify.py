"""Hash the package's files and compare them with its manifest; say what else does not fit together.

Reads every listed file once, in blocks. Must never change anything, and must never hold more than a block in memory.
Source: DSP0243 5.1 (manifest), 7.1 (references).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from .errors import ManifestError, PackageError
from .manifest import Line, Manifest, check_line, check_readable
from .package import Kind, Member, Package, open_regular
from .references import check_inside, on_the_web, reference_names

_BLOCK = 1 << 20
Report = Callable[[int], None]


class Verdict(Enum):
    """What a digest line came to."""

    RIGHT = "right"
    WRONG = "wrong"
    MISSING = "missing"
    UNREADABLE = "unreadable"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True)
class Verification:
    """What `verify_members` found right: (member, algorithm) pairs hashed, and notes on what is odd but no error."""

    hashed: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def verify_members(package: Package, report: Report | None = None) -> Verification:
    """Hash every file that the manifest lists. `report` is called with the bytes hashed since its last call.

    Raises ManifestError that names the member for a wrong digest, a listed file that is missing or a line that cannot
    be read; PackageError for a file the descriptor refers to that is missing, DescriptorError for one outside.
    """
    manifest = package.manifest
    hashed: list[tuple[str, str]] = []
    if manifest is not None:
        check_readable(manifest)
        members = {member.name: member for member in package.members}
        done: dict[tuple[str, str], str] = {}
        for line in manifest.lines:
            pair = (line.name, str(line.algorithm))
            if pair not in done:
                done[pair] = _digest(package, members, manifest, line, report)
                hashed.append((line.name, line.spelling))
            check_line(manifest, line, done[pair])
    _check_references(package)
    return Verification(tuple(hashed), tuple(_notes(package)))


def line_verdict(package: Package, line: Line) -> Verdict:
    """Return what can be said of a manifest line without reading a disk."""
    if line.algorithm is None:
        return Verdict.UNREADABLE
    if line.name == package.descriptor.name:
        right = hashlib.new(line.algorithm, package.descriptor.data).hexdigest() == line.digest
        return Verdict.RIGHT if right else Verdict.WRONG
    if all(member.name != line.name for member in package.members) and not _beside(package, line.name):
        return Verdict.MISSING
    return Verdict.NOT_CHECKED


def _beside(package: Package, name: str) -> bool:
    if package.kind is not Kind.OVF or name.startswith("/") or ".." in name.split("/"):
        return False
    try:
        return (package.path.parent / name).is_file()
    except (OSError, ValueError):
        return False


def _digest(package: Package, members: dict[str, Member], manifest: Manifest, line: Line, report: Report | None) -> str:
    member = members.get(line.name)
    if member is None and not _beside(package, line.name):
        raise ManifestError(f"{manifest.name}, line {line.number}: {line.name} is listed but not in the package")
    algorithm = str(line.algorithm)
    if package.kind is Kind.OVA and member is not None:
        return _hash(package.fileno(), member.name, member.offset, member.size, algorithm, report)
    with open_regular(package.path.parent / line.name) as file:
        size = os.fstat(file.fileno()).st_size
        return _hash(file.fileno(), line.name, 0, size, algorithm, report)


def _hash(fd: int, name: str, offset: int, size: int, algorithm: str, report: Report | None) -> str:
    digest = hashlib.new(algorithm)
    buffer = bytearray(min(_BLOCK, max(size, 1)))
    view = memoryview(buffer)
    while size:
        try:
            count = os.preadv(fd, [view[: min(size, _BLOCK)]], offset)
        except OSError as error:
            raise PackageError(f"{name} cannot be read: {error.strerror or error}") from error
        if not count:
            raise PackageError(f"truncated: {name} became shorter while it was read")
        digest.update(view[:count])
        offset, size = offset + count, size - count
        if report is not None:
            report(count)
    return digest.hexdigest()


def _check_references(package: Package) -> None:
    names = {member.name for member in package.members}
    for reference in package.references:
        check_inside(reference, web_allowed=True)
        if not on_the_web(reference.href) and not names.intersection(reference_names(reference)):
            raise PackageError(f"file {reference.id}: {reference.href} is not in the package")


def _notes(package: Package) -> list[str]:
    """Say what is unusual: members nobody lists, sizes that differ, files nobody vouches for."""
    notes = []
    manifest = package.manifest
    if manifest is None:
        notes.append("no manifest: no digest was checked")
    own = {package.descriptor.name}
    own.update(each.name for each in (manifest, package.certificate) if each is not None)
    referred = {name for reference in package.references for name in _all_names(package, reference_names(reference))}
    listed = {line.name for line in manifest.lines} if manifest else set()
    sizes = {member.name: member.size for member in package.members}
    for member in package.members:
        if member.name not in own | referred:
            notes.append(f"{member.name} is an extra member: the descriptor does not refer to it")
        if manifest is not None and member.name not in listed and member.name not in own - {package.descriptor.name}:
            notes.append(f"{member.name} is not in the manifest")
    for reference in package.references:
        for name in reference_names(reference):
            size = sizes.get(name)
            if size is not None and reference.size not in (None, size) and reference.chunk_size is None:
                notes.append(f"{name} has {size} bytes, the descriptor says {reference.size}")
        if on_the_web(reference.href):
            notes.append(f"{reference.href} is on the web and was not checked")
    return notes


def _all_names(package: Package, names: tuple[str, ...]) -> set[str]:
    """Return `names` and the further chunks of a chunked file."""
    chunks = {
        member.name
        for member in package.members
        for name in names
        if member.name.startswith(f"{name}.") and member.name[len(name) + 1 :].isdigit()
    }
    return chunks | set(names)
