"""The manifest (.mf): reads its lines leniently, and renews the descriptor's line strictly.

Must never touch the text of another file's line, and must never judge a digest without the bytes.
Source: DSP0243 5.1 (`SHA256(name)= hex`), OpenSSL's `dgst` output, from which the form comes.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType

from .errors import ManifestError
from .limits import MAX_MANIFEST_LINES
from .member_names import MemberNames, folded
from .notes import Note, NoteKind, note
from .records import dataclass, replace

_BLOCK = 1 << 20
_ALGORITHMS = {"SHA1": "sha1", "SHA256": "sha256", "SHA384": "sha384", "SHA512": "sha512"}
_LINE = re.compile(r"\s*(SHA[0-9-]+)\s*\((.*)\)\s*=\s*([0-9a-fA-F]+)\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class Line:
    """One line: the algorithm as hashlib names it, its member, its digest in lower case.

    `written` is the name as written, `candidates` the members that it may mean if there are several. `passed` is true
    for a line about the manifest or the certificate, which no manifest can list correctly (DSP0243 5.1). A line that
    cannot be read has `algorithm` None.
    """

    number: int
    text: str
    algorithm: str | None = None
    name: str = ""
    digest: str = ""
    written: str = ""
    candidates: tuple[str, ...] = ()
    passed: bool = False

    @property
    def spelling(self) -> str:
        """The algorithm as DSP0243 spells it, such as "SHA256"."""
        return (self.algorithm or "").upper()


@dataclass(frozen=True)
class Manifest:
    """A manifest: its member or file name, its bytes, its lines that are not blank."""

    name: str
    data: bytes
    lines: tuple[Line, ...]

    def lines_for(self, name: str) -> tuple[Line, ...]:
        """Return the lines about the member `name`."""
        return tuple(line for line in self.lines if line.algorithm and line.name == name)

    @property
    def algorithm(self) -> str:
        """The algorithm of its lines as DSP0243 spells it; several are joined with '+'; '' if there is none."""
        return "+".join(sorted({line.spelling for line in self.lines if line.algorithm}))


def parse_manifest(name: str, data: bytes, names: MemberNames | None = None, signing: Collection[str] = ()) -> Manifest:
    """Read a manifest. Lines that cannot be read are kept as such; `check_readable` refuses them.

    If the `names` of members are given, a line's name that is not among them is also looked for in the manifest's own
    directory, then in another normalisation or case. `signing`: the certificate of the package, and the name that it
    would have. Raises ManifestError for more lines than any package needs.
    """
    if data.count(b"\n") > MAX_MANIFEST_LINES:
        raise ManifestError(f"{name} has more than {MAX_MANIFEST_LINES} lines, one for each file is right")
    lines = (_line(number, text) for number, text in enumerate(_lines(data), 1) if text.strip())
    directory = name.rpartition("/")[0]
    own = {folded(each) for each in (name, *signing)}
    own |= {each.rpartition("/")[2] for each in own if directory}
    known: dict[str, Line] = {}

    def meant(line: Line) -> Line:
        if line.name not in known:
            found = line if names is None else _found(line, directory, names)
            known[line.name] = replace(found, passed=bool(line.algorithm) and folded(found.name) in own)
        found = known[line.name]
        return replace(line, name=found.name, candidates=found.candidates, passed=found.passed)

    return Manifest(name, data, tuple(map(meant, lines)))


def _found(line: Line, directory: str, names: MemberNames) -> Line:
    """Return `line` with its member."""
    if line.name in names:
        return line
    beside = f"{directory}/{line.name}"
    if directory and beside in names:
        return replace(line, name=beside)
    spelt = (beside, line.name) if directory else (line.name,)
    found = tuple(dict.fromkeys(each for name in spelt for each in names.alike(name)))
    return replace(line, name=found[0] if len(found) == 1 else line.name, candidates=found)


def manifest_notes(manifest: Manifest) -> tuple[Note, ...]:
    """Return notes on odd names in the manifest, one for each name."""
    notes: dict[Note, None] = {}
    passed = [line for line in manifest.lines if line.passed]
    if passed:
        lines = ", ".join(str(line.number) for line in passed[:12]) + (", …" if len(passed) > 12 else "")
        what = f"{manifest.name}, line{'s' if len(passed) > 1 else ''} {lines}: about {passed[0].written}"
        text = f"{what}; a manifest lists neither itself nor its certificate (DSP0243 5.1), so this is passed over"
        notes[note(NoteKind.MANIFEST_LINE, text)] = None
    for line in manifest.lines:
        if line.algorithm and not line.passed and line.name.rpartition("/")[2] != line.written.rpartition("/")[2]:
            text = f"{manifest.name} lists {line.written}, {line.name!a} is taken for it"
            notes[note(NoteKind.MEMBER_NAME, text)] = None
    return tuple(notes)


def check_readable(manifest: Manifest) -> None:
    """Raise ManifestError for the first line that cannot be read, or that may be about several members."""
    for line in manifest.lines:
        if len(line.candidates) > 1:
            several = " and ".join(map(ascii, line.candidates[:4]))
            where = f"{manifest.name}, line {line.number}"
            raise ManifestError(f"{where}: {line.written} may be {several}; the name of one as it stands is right")
        if line.algorithm is None:
            raise ManifestError(
                f"{manifest.name}, line {line.number} cannot be read: {line.text.strip()[:80]!r}; "
                "SHA256(NAME)= DIGEST would be right (DSP0243 5.1)"
            )


def new_manifest(name: str, algorithm: str, digests: Mapping[str, str]) -> Manifest:
    """Return the manifest `name` with a line for each member, in their order; `digests` are lower-case hexadecimal.

    `algorithm` is as hashlib names it. Members in the manifest's own directory are named relative to it.
    """
    lines = []
    for member, digest in digests.items():
        beside = _beside(name, member)
        lines.append(f"{algorithm.upper()}({member if beside in digests else beside})= {digest}\n")
    data = "".join(lines).encode("utf-8", "surrogateescape")
    manifest = parse_manifest(name, data, MemberNames(digests))
    if [line.name for line in manifest.lines] != list(digests):
        wrong = next(each for each in digests if each not in {line.name for line in manifest.lines})
        raise ManifestError(f"{wrong!r} cannot be written into a manifest; a name without line ends is right")
    return manifest


def file_digest(fd: int, offset: int, size: int, algorithm: str, report: Callable[[int], None] | None = None) -> str:
    """Return the digest of `size` bytes of an open file, in flat memory; `algorithm` is as hashlib names it.

    `report` is called with the bytes of each piece. Raises EOFError if the file ends before, and OSError.
    """
    digest = hashlib.new(algorithm)
    view = memoryview(bytearray(min(_BLOCK, max(size, 1))))
    while size:
        count = os.preadv(fd, [view[: min(size, _BLOCK)]], offset)
        if not count:
            raise EOFError
        digest.update(view[:count])
        offset, size = offset + count, size - count
        if report is not None:
            report(count)
    return digest.hexdigest()


class Digests:
    """The digests of `data`, each computed once: a hostile manifest may ask for one in every line."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._known: dict[str, str] = {}

    def get(self, line: Line) -> str:
        """Return the digest in the algorithm of `line`, which has one."""
        algorithm = str(line.algorithm)
        if algorithm not in self._known:
            self._known[algorithm] = self.of(algorithm)
        return self._known[algorithm]

    def of(self, algorithm: str) -> str:
        """Return the digest in an algorithm, as hashlib names it."""
        return hashlib.new(algorithm, self._data).hexdigest()


def check_digest(manifest: Manifest, name: str, data: bytes) -> None:
    """Raise ManifestError if a line about `name` does not hold the digest of `data`."""
    digests = Digests(data)
    for line in manifest.lines_for(name):
        check_line(manifest, line, digests.get(line))


def check_line(manifest: Manifest, line: Line, digest: str) -> None:
    """Raise ManifestError if `line` does not hold `digest`."""
    if line.digest != digest:
        raise ManifestError(
            f"{manifest.name}, line {line.number}: the {line.spelling} digest of {line.name} is wrong, "
            f"{line.digest} is listed, {digest} is that of the file"
        )


def renew(
    manifest: Manifest,
    name: str,
    data: bytes,
    new_name: str | None = None,
    without: str | None = None,
    files: Mapping[str, Digests] = MappingProxyType({}),
) -> bytes:
    """Return the manifest with the digest of `data` in each line about `name`, in the algorithm the line had.

    Lines about other files keep their text; those about the member `without`, which goes, go too. `files` are other
    members that are new: their lines are renewed, or added behind all others. What is written is strict: LF after each
    line, no blank line.
    """
    renewed = []
    digests = {name: Digests(data), **files}
    for line in manifest.lines:
        if without is not None and line.name == without:
            continue
        text = line.text
        if line.algorithm and line.name in digests:
            written = new_name if new_name and line.name == name else line.written
            text = f"{line.spelling}({written})= {digests[line.name].get(line)}"
        renewed.append(text + "\n")
    for member in files:
        if not manifest.lines_for(member) and manifest.lines:
            like = next((line for line in manifest.lines if line.algorithm), manifest.lines[0])
            renewed.append(f"{like.spelling}({_beside(manifest.name, member)})= {files[member].get(like)}\n")
    return "".join(renewed).encode("utf-8", "surrogateescape")


def _beside(manifest: str, member: str) -> str:
    """How a manifest names a member: relative to its own directory, where it is in it."""
    directory = manifest.rpartition("/")[0]
    return member[len(directory) + 1 :] if directory and member.startswith(f"{directory}/") else member


def _lines(data: bytes) -> list[str]:
    text = data.decode("utf-8", "surrogateescape")
    return [line[:-1] if line.endswith("\r") else line for line in text.lstrip("\ufeff").split("\n")]


def _line(number: int, text: str) -> Line:
    match = _LINE.match(text)
    if match is None:
        return Line(number, text)
    spelled, name, digest = match.groups()
    algorithm = _ALGORITHMS.get(spelled.upper().replace("SHA2-", "SHA").replace("-", ""))
    if algorithm is None or len(digest) != hashlib.new(algorithm).digest_size * 2:
        return Line(number, text)
    name = name.strip()
    name = name[2:] if name.startswith("./") else name
    return Line(number, text, algorithm, name, digest.lower(), name)
