"""Saves a grid: all that its users set at and below a collection, and its tasks.

Leaves out ready OVAs, forms and other objects of the server, and objects outside of `install`, `config` and `reset`.
Takes five queries, whatever the number of machines.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Callable, Iterator, Sequence
from typing import IO, TYPE_CHECKING

from ova_grid import reading
from ova_grid.components import Avu
from ova_grid.connection import message, rows
from ova_grid.errors import GridError
from ova_grid.saved import Readable, SavedAvu, SavedCollection, SavedGrid, SavedObject, write
from ova_rules import names
from ova_rules.catalog.conditions import masked

if TYPE_CHECKING:
    from irods.session import iRODSSession

_BLOCK = 1 << 20
Advance = Callable[[int], object]


def export(session: iRODSSession, root: str, out: IO[bytes], advance: Advance = lambda count: None) -> SavedGrid:
    """Writes the grid at `root` as `saved` describes. advance: called with bytes of tasks, each of which is read twice.

    Raises GridError.
    """
    collections = reading.collections_below(session, root)
    if not collections:
        raise GridError(f"{root}: is no collection that you may read")
    avus: dict[str, list[Avu]] = {}
    for avu in reading.below(session, root):
        if not names.is_fact(avu.attribute):
            avus.setdefault(avu.path, []).append(avu)
    paths = _tasks_below(session, root)
    of_objects = _object_avus_below(session, root) if paths else {}
    objects = [_object(session, root, path, of_objects.get(path, ()), advance) for path in paths]
    grid = SavedGrid(
        root,
        tuple(SavedCollection(_within(root, path), _saved(avus.get(path, ()))) for path in collections),
        tuple(objects),
        tuple(sorted(_images(root, avus))),
    )
    write(grid, _contents(session, root, grid, advance), out)
    return grid


def _within(root: str, path: str) -> str:
    return path[len(root) + 1 :]


def _saved(avus: Sequence[Avu]) -> tuple[SavedAvu, ...]:
    return tuple(SavedAvu(*avu) for avu in sorted({(avu.attribute, avu.value, avu.units) for avu in avus}))


def _images(root: str, avus: dict[str, list[Avu]]) -> Iterator[str]:
    """The sources that lie outside of the grid."""
    found = {
        avu.value if "://" in avu.value else posixpath.normpath(posixpath.join(path, avu.value))
        for path, each in avus.items()
        for avu in each
        if avu.attribute == names.URL and "${" not in avu.value
    }
    yield from (path for path in found if not path.startswith(f"{root}/"))


def _tasks_below(session: iRODSSession, root: str) -> list[str]:
    from irods.column import Like
    from irods.models import Collection, DataObject

    query = session.query(Collection.name, DataObject.name).filter(Like(Collection.name, f"{masked(root)}/%"))
    found = {f"{row[Collection.name]}/{row[DataObject.name]}" for row in rows(query)}
    return sorted(path for path in found if _is_task(root, path))


def _is_task(root: str, path: str) -> bool:
    return path.startswith(f"{root}/") and bool(set(_within(root, path).split("/")[:-1]) & set(names.TASK_COLLECTIONS))


def _object_avus_below(session: iRODSSession, root: str) -> dict[str, list[Avu]]:
    from irods.column import Like
    from irods.models import Collection, DataObject, DataObjectMeta

    columns = (DataObjectMeta.name, DataObjectMeta.value, DataObjectMeta.units)
    query = session.query(Collection.name, DataObject.name, *columns)
    found: dict[str, list[Avu]] = {}
    for row in rows(query.filter(Like(Collection.name, f"{masked(root)}/%"))):
        path = f"{row[Collection.name]}/{row[DataObject.name]}"
        avu = Avu(path, *(row[column] or "" for column in columns))
        if _is_task(root, path) and not names.is_fact(avu.attribute):
            found.setdefault(path, []).append(avu)
    return found


def _object(session: iRODSSession, root: str, path: str, avus: Sequence[Avu], advance: Advance) -> SavedObject:
    digest, size = hashlib.sha256(), 0
    for block in _blocks(session, path):
        digest.update(block)
        size += len(block)
        advance(len(block))
    return SavedObject(_within(root, path), _saved(avus), size, digest.hexdigest())


def _blocks(session: iRODSSession, path: str) -> Iterator[bytes]:
    try:
        with session.data_objects.open(path, "r") as stream:
            while block := stream.read(_BLOCK):
                yield block
    except Exception as error:
        raise GridError(f"{path}: cannot be read: {message(error)}") from error


def _contents(session: iRODSSession, root: str, grid: SavedGrid, advance: Advance) -> Iterator[Readable]:
    for each in grid.objects:
        yield _Stream(_blocks(session, f"{root}/{each.path}"), advance)


class _Stream:
    """Blocks as a readable file."""

    def __init__(self, blocks: Iterator[bytes], advance: Advance) -> None:
        self._blocks, self._advance, self._left = blocks, advance, b""

    def read(self, size: int = -1) -> bytes:
        while size < 0 or len(self._left) < size:
            block = next(self._blocks, b"")
            if not block:
                break
            self._advance(len(block))
            self._left += block
        end = len(self._left) if size < 0 else size
        data, self._left = self._left[:end], self._left[end:]
        return data
