"""Hash the package's files and compare them with its manifest; say what else does not fit together.

Reads every listed file once, in blocks. Must never change anything, and must never hold more than a block in memory.
Source: DSP0243 5.1 (manifest), 7.1 (references).
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from enum import Enum

from .errors import ManifestError, PackageError
from .file_references import check_inside, on_the_web, reference_names
from .manifest import Digests, Line, Manifest, check_line, check_readable
from .package import Kind, Member, Package, open_regular
from .records import dataclass

_BLOCK = 1 << 20
_CHUNK = re.compile(r"\.[0-9]{9}$")
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
        files: dict[tuple[int, int, str], str] = {}
        for line in manifest.lines:
            pair = (line.name, str(line.algorithm))
            if pair not in done:
                done[pair] = _digest(package, members, manifest, line, report, files)
                hashed.append((line.name, line.spelling))
            check_line(manifest, line, done[pair])
    _check_references(package)
    return Verification(tuple(hashed), tuple(_notes(package)))


def line_verdicts(package: Package) -> tuple[Verdict, ...]:
    """Return what can be said of each line of the manifest without reading a disk; none without a manifest."""
    members = {member.name for member in package.members}
    digests = Digests(package.descriptor.data)

    def verdict(line: Line) -> Verdict:
        if line.algorithm is None:
            return Verdict.UNREADABLE
        if line.name == package.descriptor.name:
            return Verdict.RIGHT if digests.get(line) == line.digest else Verdict.WRONG
        if line.name not in members and not _beside(package, line.name):
            return Verdict.MISSING
        return Verdict.NOT_CHECKED

    return tuple(verdict(line) for line in (package.manifest.lines if package.manifest else ()))


def _beside(package: Package, name: str) -> bool:
    if package.kind is not Kind.OVF or name.startswith("/") or ".." in name.split("/"):
        return False
    try:
        return (package.path.parent / name).is_file()
    except (OSError, ValueError):
        return False


def _digest(
    package: Package,
    members: dict[str, Member],
    manifest: Manifest,
    line: Line,
    report: Report | None,
    files: dict[tuple[int, int, str], str],
) -> str:
    """The digest of the file that `line` is about; `files` holds those of files beside a plain .ovf, whatever name."""
    member = members.get(line.name)
    if member is None and not _beside(package, line.name):
        raise ManifestError(f"{manifest.name}, line {line.number}: {line.name} is listed but not in the package")
    algorithm = str(line.algorithm)
    if package.kind is Kind.OVA and member is not None:
        return _hash(package.fileno(), member.name, member.offset, member.size, algorithm, report)
    with open_regular(package.path.parent / line.name, line.name) as file:
        status = os.fstat(file.fileno())
        known = (status.st_dev, status.st_ino, algorithm)
        if known not in files:
            files[known] = _hash(file.fileno(), line.name, 0, status.st_size, algorithm, report)
        return files[known]


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
        wanted = reference_names(reference, package.descriptor.name)
        if not on_the_web(reference.href) and not names.intersection(wanted):
            raise PackageError(f"file {reference.id}: {reference.href} is not in the package")


def _notes(package: Package) -> list[str]:
    """Say what is unusual: members nobody lists, sizes that differ, files nobody vouches for."""
    notes = []
    manifest = package.manifest
    if manifest is None:
        notes.append("no manifest: no digest was checked")
    signed = {each.name for each in (manifest, package.certificate) if each is not None}
    names = {reference: reference_names(reference, package.descriptor.name) for reference in package.references}
    referred = {name for found in names.values() for name in found} | signed | {package.descriptor.name}
    listed = {line.name for line in manifest.lines} | signed if manifest else set()
    sizes = {member.name: member.size for member in package.members}
    for member in package.members:
        if member.name not in referred and _CHUNK.sub("", member.name) not in referred:
            notes.append(f"{member.name} is an extra member: the descriptor does not refer to it")
        if manifest is not None and member.name not in listed:
            notes.append(f"{member.name} is not in the manifest")
    for reference, found in names.items():
        size = next((sizes[name] for name in found if name in sizes), None)
        if size is not None and reference.size not in (None, size) and reference.chunk_size is None:
            notes.append(f"{reference.href} has {size} bytes, the descriptor says {reference.size}")
        if on_the_web(reference.href):
            notes.append(f"{reference.href} is on the web and was not checked")
    return notes
