"""A saved grid as a file: what its users set, and its tasks, nothing made by the server. Pure: bytes in, records out.

A tar archive (ustar) of regular files. The first member, `grid.json`, is one JSON object:

    format       1
    root         the collection that was saved, an absolute path
    collections  [{"path": "comp01", "avus": [["hostname", "sg12", ""], …]}, …]; "" is the root itself
    objects      [{"path": "comp01/install/10.sh", "avus": […], "size": 12, "sha256": "…"}, …]
    images       the sources that the components name, absolute paths and URLs, for the user who restores it

The members `objects/000000`, … hold the bytes of the objects in their order. The same grid gives the same bytes. AVUs
may hold passwords, so only the owner may read the file.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import tarfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from io import BytesIO
from typing import IO, Any, Protocol

from ova_grid.errors import GridError

FORMAT = 1
_INDEX = "grid.json"
_MOST_INDEX_BYTES = 256 * 1024 * 1024
_MOST_ENTRIES = 1_000_000
_BLOCK = 1 << 20


@dataclass(frozen=True)
class SavedAvu:
    """An AVU without its collection or object."""

    attribute: str
    value: str
    units: str = ""


@dataclass(frozen=True)
class SavedCollection:
    """A collection by its path within the grid, "" for the grid itself."""

    path: str
    avus: tuple[SavedAvu, ...]


@dataclass(frozen=True)
class SavedObject:
    """A data object of the grid. size in bytes; sha256 in hexadecimal."""

    path: str
    avus: tuple[SavedAvu, ...]
    size: int
    sha256: str


@dataclass(frozen=True)
class SavedGrid:
    """A grid without the bytes of its objects."""

    root: str
    collections: tuple[SavedCollection, ...]
    objects: tuple[SavedObject, ...]
    images: tuple[str, ...] = ()


class Readable(Protocol):
    """A source of bytes."""

    def read(self, size: int = -1, /) -> bytes:
        """As of a file."""


def write(grid: SavedGrid, contents: Iterable[Readable], out: IO[bytes]) -> None:
    """Writes the archive. contents: the bytes of the objects, in their order.

    Raises GridError if one does not have the size and SHA-256 in the grid: it changed meanwhile.
    """
    index = json.dumps({"format": FORMAT, **_as_json(grid)}, indent=1, sort_keys=True).encode()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        tar.addfile(_member(_INDEX, len(index)), BytesIO(index))
        for number, (each, content) in enumerate(zip(grid.objects, contents)):
            checked = _Checked(content)
            try:
                tar.addfile(_member(_name(number), each.size), checked)
                same = checked.digest.hexdigest() == each.sha256 and not content.read(1)
            except (OSError, ValueError):  # from tarfile for a file that is too short, or too long for ustar
                same = False
            if not same:
                raise GridError(f"{grid.root}/{each.path} changed while it was saved; save the grid again")


def _as_json(grid: SavedGrid) -> dict[str, Any]:
    parts = asdict(grid)
    for each in (*parts["collections"], *parts["objects"]):
        each["avus"] = [[avu["attribute"], avu["value"], avu["units"]] for avu in each["avus"]]
    return parts


def _member(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    return info


def _name(number: int) -> str:
    return f"objects/{number:06}"


class _Checked:
    """A stream that is hashed while it is read."""

    def __init__(self, stream: Readable) -> None:
        self._stream, self.digest = stream, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """As of a file."""
        data = self._stream.read(size)
        self.digest.update(data)
        return data


class Archive:
    """A saved grid, open for reading: its index, and the bytes of its objects. A context manager."""

    def __init__(self, stream: IO[bytes]) -> None:
        """Reads the index. Raises GridError if the file is no saved grid."""
        try:
            self._tar = tarfile.open(fileobj=stream, mode="r:")  # noqa: SIM115 - closed by __exit__
            first = self._tar.next()
            if first is None or first.name != _INDEX or not first.isreg() or first.size > _MOST_INDEX_BYTES:
                raise GridError(f"this is no saved grid: its first member is not {_INDEX}")
            text = self._read(first)
        except (tarfile.TarError, EOFError, OSError) as error:
            raise GridError(f"this is no saved grid: {error}") from error
        self.grid = parse(text)
        self._members: list[tarfile.TarInfo] | None = None

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self._tar.close()

    def _read(self, member: tarfile.TarInfo) -> bytes:
        stream = self._tar.extractfile(member)
        data = stream.read() if stream is not None else b""
        if len(data) != member.size:
            raise GridError(f"it is cut short in {member.name}")
        return data

    def check(self, advance: Callable[[int], object] = lambda count: None) -> None:
        """Reads every object once, so that nothing is restored from a damaged file. advance: called with bytes.

        Raises GridError for a member that is missing or surplus, or has another size or digest.
        """
        for number in range(len(self.grid.objects)):
            digest = hashlib.sha256()
            for block in self.content(number):
                digest.update(block)
                advance(len(block))
            if digest.hexdigest() != self.grid.objects[number].sha256:
                raise GridError(f"{self.grid.objects[number].path}: its SHA-256 is another one; the file is damaged")

    def content(self, number: int) -> Iterator[bytes]:
        """The bytes of an object, in blocks. Raises GridError."""
        if self._members is None:
            self._members = self._listed()
        stream = self._tar.extractfile(self._members[number])
        left = self.grid.objects[number].size
        while stream is not None and left:
            try:
                block = stream.read(min(left, _BLOCK))
            except (tarfile.TarError, EOFError, OSError):
                block = b""
            if not block:
                raise GridError(f"it is cut short in the bytes of {self.grid.objects[number].path}")
            left -= len(block)
            yield block

    def _listed(self) -> list[tarfile.TarInfo]:
        found: list[tarfile.TarInfo] = []
        try:
            for member in self._tar:
                if member.name == _INDEX and not found:
                    continue
                if len(found) >= len(self.grid.objects) or member.name != _name(len(found)) or not member.isreg():
                    raise GridError(f"its index knows nothing of the member {member.name[:80]!r}")
                found.append(member)
        except (tarfile.TarError, EOFError, OSError) as error:
            raise GridError(f"it is damaged: {error}") from error
        for number, each in enumerate(self.grid.objects):
            if number >= len(found) or found[number].size != each.size:
                raise GridError(f"it does not hold the {each.size} bytes of {each.path}")
        return found


def parse(text: bytes) -> SavedGrid:
    """The grid that an index describes. Raises GridError if it is no index, or for paths that lead outside the grid."""
    try:
        data = json.loads(text.decode("utf-8"))
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            found = data.get("format") if isinstance(data, dict) else None
            raise GridError(f"its format is {found!r}; {FORMAT} is what this version reads")
        if len(data["collections"]) + len(data["objects"]) > _MOST_ENTRIES:
            raise GridError(f"it has more than {_MOST_ENTRIES} collections and objects")
        grid = SavedGrid(
            _text(data["root"]),
            tuple(SavedCollection(_text(each["path"]), _avus(each["avus"])) for each in data["collections"]),
            tuple(
                SavedObject(_text(each["path"]), _avus(each["avus"]), _size(each["size"]), _text(each["sha256"]))
                for each in data["objects"]
            ),
            tuple(_text(each) for each in data.get("images", [])),
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise GridError(f"its index cannot be read: {type(error).__name__}: {error}") from error
    _require_inside(grid)
    return grid


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _size(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError(f"{value!r} is no number of bytes")
    return value


def _avus(value: Sequence[Sequence[object]]) -> tuple[SavedAvu, ...]:
    found = []
    for avu in value:
        attribute, text, units = avu
        found.append(SavedAvu(_text(attribute), _text(text), _text(units)))
    return tuple(found)


def _require_inside(grid: SavedGrid) -> None:
    if not grid.root.startswith("/") or posixpath.normpath(grid.root) != grid.root:
        raise GridError(f"its root {grid.root[:80]!r} is no absolute path")
    collections = [each.path for each in grid.collections]
    objects = [each.path for each in grid.objects]
    if len(set(collections + objects)) != len(collections) + len(objects):
        raise GridError("it names a collection or an object twice")
    known = set(collections)
    for path in (*collections, *objects):
        if path == "" and path in known:
            continue
        if path.startswith("/") or posixpath.normpath(path) != path or path.split("/")[0] in ("..", "."):
            raise GridError(f"the path {path[:80]!r} leads out of the grid")
        if posixpath.dirname(path) not in known:
            raise GridError(f"the collection of {path[:80]!r} is missing in it")
