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
from .tar import pread

_BLOCK = 1 << 20

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
    if not isinstance(package.archive, int):
        return Verifier(package).finish(report)
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


class Verifier:
    """Verifies an archive while its bytes pass by: each file that the manifest lists is read once, by whoever reads it.

    Feed it what is read of the archive, in its order; `finish` reads the rest. Holds no bytes.
    """

    def __init__(self, package: Package) -> None:
        """Raises what `verify_members` does, except for wrong digests."""
        self._package = package
        self._hashes: dict[tuple[str, str], _MemberHash] = {}
        manifest = package.manifest
        if manifest is not None:
            check_readable(manifest)
            members = {member.name: member for member in package.members}
            for line in manifest.lines:
                if not line.passed:
                    _require_member(package, manifest, line)
                    algorithm = str(line.algorithm)
                    self._hashes.setdefault((line.name, algorithm), _MemberHash(members[line.name], algorithm))
        _check_references(package)
        descriptor = next(member for member in package.members if member.name == package.descriptor.name)
        self.feed(descriptor.offset, package.descriptor.data)

    def feed(self, offset: int, data: bytes) -> None:
        """Hash what `data`, the archive's bytes from byte `offset` on, holds of the members."""
        for each in self._hashes.values():
            each.feed(offset, data)

    def finish(self, report: Report | None = None) -> Verification:
        """Read what was not fed, and compare all digests with the manifest. Raises what `verify_members` does.

        `report` is called with the bytes of each piece that is read.
        """
        behind = [each for each in self._hashes.values() if each.position < each.end]
        while behind:
            first = min(behind, key=lambda each: each.position)
            self._read(first, report)
            behind = [each for each in behind if each.position < each.end]
        manifest = self._package.manifest
        hashed: dict[tuple[str, str], None] = {}
        for line in manifest.lines if manifest is not None else ():
            if manifest is not None and not line.passed:
                check_line(manifest, line, self._hashes[line.name, str(line.algorithm)].digest.hexdigest())
                hashed[line.name, line.spelling] = None
        return Verification(tuple(hashed), (*self._package.notes, *_notes(self._package)))

    def _read(self, member: _MemberHash, report: Report | None) -> None:
        try:
            count = min(_BLOCK, member.end - member.position)
            data = pread(self._package.archive, count, member.position)
        except OSError as error:
            raise PackageError(f"{member.name} cannot be read: {error.strerror or error}") from error
        if not data:
            raise PackageError(f"truncated: {member.name} became shorter while it was read")
        self.feed(member.position, data)
        if report is not None:
            report(len(data))


class _MemberHash:
    """The digest of a member's bytes up to `position`, an offset in the archive."""

    def __init__(self, member: Member, algorithm: str) -> None:
        self.name, self.position, self.end = member.name, member.offset, member.offset + member.size
        self.digest = hashlib.new(algorithm)

    def feed(self, offset: int, data: bytes) -> None:
        start, stop = self.position - offset, min(self.end - offset, len(data))
        if 0 <= start < stop:
            self.digest.update(memoryview(data)[start:stop])
            self.position += stop - start


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
    _require_member(package, manifest, line)
    algorithm = str(line.algorithm)
    if package.kind is Kind.OVA:
        return _member_digest(package, members[line.name], algorithm, report)
    with open_regular(package.path.parent / line.name, line.name) as file:
        status = os.fstat(file.fileno())
        known = (status.st_dev, status.st_ino, algorithm)
        if known not in files:
            files[known] = _hash(file.fileno(), line.name, 0, status.st_size, algorithm, report)
        return files[known]


def _require_member(package: Package, manifest: Manifest, line: Line) -> None:
    if line.name not in package.names:
        raise ManifestError(f"{manifest.name}, line {line.number}: {line.name} is listed but not in the package")


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
