"""Hash the package's files, compare them with its manifest, and report other mismatches.

Reads every listed file once, in blocks. Must never change anything, and must never hold more than a block in memory.
Source: DSP0243 5.1 (manifest), 7.1 (references).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from enum import Enum

from .companions import MANIFEST, right_name
from .errors import ManifestError, PackageError
from .file_references import check_inside, on_the_web
from .manifest import Digests, Line, Manifest, check_line, check_readable, file_digest, new_manifest
from .notes import Note, NoteKind, note
from .package import Kind, Member, Package, open_regular
from .records import dataclass

Report = Callable[[int], None]


class Verdict(Enum):
    """The verdict on a digest line."""

    RIGHT = "right"
    WRONG = "wrong"
    MISSING = "missing"
    UNREADABLE = "unreadable"
    NOT_CHECKED = "not checked"
    PASSED_OVER = "passed over"


@dataclass(frozen=True)
class Verification:
    """The result of `verify_members`: the (member, algorithm) pairs verified, and notes on what is odd but no error.

    The notes include those of the package.
    """

    hashed: tuple[tuple[str, str], ...]
    notes: tuple[Note, ...]


def verify_members(package: Package, report: Report | None = None) -> Verification:
    """Hash every file that the manifest lists. `report` is called with the bytes hashed since its last call.

    Raises ManifestError that names the member for a wrong digest, a listed file that is missing or a line that cannot
    be read; PackageError for a file of the descriptor that is missing or lacks a chunk, DescriptorError for one outside
    the package.
    """
    manifest = package.manifest
    hashed: list[tuple[str, str]] = []
    if manifest is not None:
        check_readable(manifest)
        members = {member.name: member for member in package.members}
        done: dict[tuple[str, str], str] = {}
        files: dict[tuple[int, int, str], str] = {}
        for line in manifest.lines:
            if line.passed:
                continue
            pair = (line.name, str(line.algorithm))
            if pair not in done:
                done[pair] = _digest(package, members, manifest, line, report, files)
                hashed.append((line.name, line.spelling))
            check_line(manifest, line, done[pair])
    _check_references(package)
    return Verification(tuple(hashed), (*package.notes, *_notes(package)))


def make_manifest(package: Package, algorithm: str | None = None, report: Report | None = None) -> Manifest:
    """Hash every file of the package and return a manifest that matches it.

    `algorithm` is as hashlib names it; None means that of the existing manifest, else SHA256. The new manifest has the
    name of the old one, which is not checked. Raises PackageError and DescriptorError as `verify_members` does,
    ManifestError for a file whose name no manifest can hold.
    """
    _check_references(package)
    old, descriptor = package.manifest, package.descriptor.name
    if algorithm is None:
        lines = (*old.lines_for(descriptor), *old.lines) if old is not None else ()
        algorithm = next((line.algorithm for line in lines if line.algorithm), "sha256")
    own = {each.name for each in (old, package.certificate) if each is not None}
    digests = {descriptor: hashlib.new(algorithm, package.descriptor.data).hexdigest()}
    for member in package.members:
        if member.name not in own and member.name != descriptor:
            digests[member.name] = _member_digest(package, member, algorithm, report)
    return new_manifest(old.name if old is not None else right_name(descriptor, MANIFEST), algorithm, digests)


def _member_digest(package: Package, member: Member, algorithm: str, report: Report | None) -> str:
    if package.kind is Kind.OVA:
        return _hash(package.fileno(), member.name, member.offset, member.size, algorithm, report)
    with open_regular(package.path.parent / member.name, member.name) as file:
        return _hash(file.fileno(), member.name, 0, os.fstat(file.fileno()).st_size, algorithm, report)


def line_verdicts(package: Package) -> tuple[Verdict, ...]:
    """Return the verdict on each line of the manifest that needs no reading of a disk; none without a manifest."""
    digests = Digests(package.descriptor.data)

    def verdict(line: Line) -> Verdict:
        if line.algorithm is None:
            return Verdict.UNREADABLE
        if line.passed:
            return Verdict.PASSED_OVER
        if line.name == package.descriptor.name:
            return Verdict.RIGHT if digests.get(line) == line.digest else Verdict.WRONG
        return Verdict.NOT_CHECKED if line.name in package.names else Verdict.MISSING

    return tuple(verdict(line) for line in (package.manifest.lines if package.manifest else ()))


def _digest(
    package: Package,
    members: dict[str, Member],
    manifest: Manifest,
    line: Line,
    report: Report | None,
    files: dict[tuple[int, int, str], str],
) -> str:
    """The digest of the file of `line`. `files` holds those of files beside a plain .ovf, under any name."""
    if line.name not in package.names:
        raise ManifestError(f"{manifest.name}, line {line.number}: {line.name} is listed but not in the package")
    algorithm = str(line.algorithm)
    if package.kind is Kind.OVA:
        return _member_digest(package, members[line.name], algorithm, report)
    with open_regular(package.path.parent / line.name, line.name) as file:
        status = os.fstat(file.fileno())
        known = (status.st_dev, status.st_ino, algorithm)
        if known not in files:
            files[known] = _hash(file.fileno(), line.name, 0, status.st_size, algorithm, report)
        return files[known]


def _hash(fd: int, name: str, offset: int, size: int, algorithm: str, report: Report | None) -> str:
    try:
        return file_digest(fd, offset, size, algorithm, report)
    except EOFError:
        raise PackageError(f"truncated: {name} became shorter while it was read") from None
    except OSError as error:
        raise PackageError(f"{name} cannot be read: {error.strerror or error}") from error


def _check_references(package: Package) -> None:
    for where in package.located:
        reference = where.reference
        check_inside(reference, web_allowed=True)
        if where.fault:
            raise PackageError(f"file {reference.id}: {where.fault}")
        if not where.members and not on_the_web(reference.href):
            raise PackageError(f"file {reference.id}: {reference.href} is not in the package")


def _notes(package: Package) -> list[Note]:
    """Return notes on what is unusual: unlisted members, different sizes, files without a digest."""
    notes = []
    manifest = package.manifest
    if manifest is None:
        notes.append(note(NoteKind.NOT_CHECKED, "no manifest: no digest was checked"))
    signed = {each.name for each in (manifest, package.certificate) if each is not None}
    referred = {name for where in package.located for name in where.members} | signed | {package.descriptor.name}
    listed = {line.name for line in manifest.lines} | signed if manifest else set()
    sizes = {member.name: member.size for member in package.members}
    for member in package.members:
        if member.name not in referred:
            text = f"{member.name} is an extra member: the descriptor does not refer to it"
            notes.append(note(NoteKind.EXTRA_MEMBER, text))
        if manifest is not None and member.name not in listed:
            notes.append(note(NoteKind.NOT_LISTED, f"{member.name} is not in the manifest"))
    for where in package.located:
        href, size = where.reference.href, sum(sizes[name] for name in where.members)
        if where.members and where.reference.size not in (None, size):
            notes.append(note(NoteKind.SIZE, f"{href} has {size} bytes, the descriptor says {where.reference.size}"))
        if on_the_web(href):
            notes.append(note(NoteKind.NOT_CHECKED, f"{href} is on the web and was not checked"))
    return notes
