"""Brings a saved grid back, at its old place or another, in this zone or another; each machine is built once.

First everything is compared with what exists; if that differs, nothing is written unless it may be replaced. Then
collections, tasks, values and `ova_like` are written, and `ova_url` last, so that a machine is complete when it becomes
one. What exists already is left alone, so an interrupted import can be run again.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ova_grid import reading
from ova_grid.components import Avu
from ova_grid.connection import message
from ova_grid.errors import GridError
from ova_grid.saved import Archive, SavedAvu
from ova_rules import names

if TYPE_CHECKING:
    from irods.session import iRODSSession

_BLOCK = 1 << 20
_SHOWN = 5  # of many differences
_ABSOLUTE_REFERENCE = re.compile(r"(\$\{)(/[^{}:]*)(:[^{}]*\})")


@dataclass(frozen=True)
class Plan:
    """The plan of an import. paths are absolute; remove and add: AVUs by collection; missing: what the grid needs.

    objects: the numbers of the objects in the archive that are to be written.
    """

    root: str
    collections: tuple[str, ...]
    objects: tuple[int, ...]
    remove: tuple[Avu, ...]
    add: tuple[Avu, ...]
    missing: tuple[str, ...]


Advance = Callable[[int], object]


def plan(session: iRODSSession, archive: Archive, root: str, *, replace: bool = False) -> Plan:
    """The plan to bring the grid to `root`. Raises GridError if something there differs, unless `replace`.

    Reads only.
    """
    grid = archive.grid
    there = set(reading.collections_below(session, root))
    present: dict[str, set[Avu]] = {}
    for avu in reading.below(session, root) if there else ():
        if not names.is_fact(avu.attribute):
            present.setdefault(avu.path, set()).add(avu)
    wanted = {
        _at(root, each.path): {moved(grid.root, root, _at(root, each.path), avu) for avu in each.avus}
        for each in grid.collections
    }
    extra = [avu for path, avus in present.items() if path in wanted for avu in avus - wanted[path]]
    extra = [avu for avu in extra if not _is_of_the_server(avu, wanted[avu.path])]
    written, differing = _objects(session, archive, root, there)
    if (extra or differing) and not replace:
        found = [f"AVU {avu.attribute} of {avu.path}" for avu in sorted(extra, key=str)] + differing
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise GridError(f"{root} holds something else: {', '.join(found[:_SHOWN])}{more}; --replace overwrites it")
    add = [avu for path, avus in wanted.items() for avu in avus - present.get(path, set())]
    return Plan(
        root,
        tuple(path for path in wanted if path not in there),
        tuple(written),
        tuple(sorted(extra, key=str)),
        tuple(sorted(add, key=str)),
        tuple(_missing(session, root, add)),
    )


def _at(root: str, path: str) -> str:
    return f"{root}/{path}" if path else root


def _is_of_the_server(avu: Avu, wanted: set[Avu]) -> bool:
    """Whether the server made a component by `ova_like` where the file has none: it may stay as it is."""
    return (
        avu.attribute == names.URL and avu.value.startswith("${") and not any(w.attribute == names.URL for w in wanted)
    )


def moved(old: str, new: str, path: str, avu: SavedAvu) -> Avu:
    """An AVU at its new place. Paths into the grid, in controls and references, then lead into the new one."""
    value = avu.value
    if names.is_value(avu.attribute) or "${" in value:
        value = _ABSOLUTE_REFERENCE.sub(lambda match: match[1] + _moved(old, new, match[2]) + match[3], value)
    elif avu.attribute in (names.URL, names.LIKE):
        value = _moved(old, new, value)
    return Avu(path, avu.attribute, value, avu.units)


def _moved(old: str, new: str, path: str) -> str:
    return new + path[len(old) :] if path == old or path.startswith(f"{old}/") else path


def _objects(session: iRODSSession, archive: Archive, root: str, there: set[str]) -> tuple[list[int], list[str]]:
    """The numbers of the objects to write, and the paths of those that exist with other bytes."""
    written, differing = [], []
    for number, each in enumerate(archive.grid.objects):
        path = _at(root, each.path)
        if posixpath.dirname(path) not in there or not session.data_objects.exists(path):
            written.append(number)
            continue
        try:
            with session.data_objects.open(path, "r") as stream:
                digest = hashlib.sha256()
                while block := stream.read(_BLOCK):
                    digest.update(block)
        except Exception as error:
            raise GridError(f"{path}: cannot be read: {message(error)}") from error
        if digest.hexdigest() != each.sha256:
            written.append(number)
            differing.append(path)
    return written, differing


def _missing(session: iRODSSession, root: str, add: Sequence[Avu]) -> Iterator[str]:
    """Sources outside of the grid that the user does not see here."""
    sources = set()
    for avu in add:
        if avu.attribute == names.URL and "://" not in avu.value and "${" not in avu.value:
            sources.add(posixpath.normpath(posixpath.join(avu.path, avu.value)))
    for path in sorted(sources):
        if not path.startswith(f"{root}/") and not session.data_objects.exists(path):
            yield path


def carry_out(session: iRODSSession, archive: Archive, plan: Plan, advance: Advance = lambda count: None) -> None:
    """Carries out the plan. advance: called with the number of steps done. Raises GridError with what was refused."""
    for path in plan.collections:
        with _said_of(path):
            session.collections.create(path)
        advance(1)
    for number in plan.objects:
        _write(session, archive, plan.root, number)
        advance(1)
    for last in (None, names.LIKE, names.URL):
        remove, add = _by_collection(plan.remove, last), _by_collection(plan.add, last)
        for path in sorted(remove.keys() | add.keys()):
            with _said_of(path):
                _change(session, path, remove.get(path, []), add.get(path, []))
            advance(len(remove.get(path, [])) + len(add.get(path, [])))


def _by_collection(avus: Sequence[Avu], last: str | None) -> dict[str, list[Avu]]:
    """The AVUs of this attribute; for None, all except those that are written later."""
    found: dict[str, list[Avu]] = {}
    for avu in avus:
        if (avu.attribute if avu.attribute in (names.LIKE, names.URL) else None) == last:
            found.setdefault(avu.path, []).append(avu)
    return found


def _change(session: iRODSSession, path: str, remove: Sequence[Avu], add: Sequence[Avu]) -> None:
    """Sends one request. The saved `ova_url` replaces one that the server meanwhile gave a machine by `ova_like`."""
    from irods.meta import AVUOperation, iRODSMeta

    metadata = session.collections.get(path).metadata
    gone, came = ({(avu.attribute, avu.value, avu.units) for avu in avus} for avus in (remove, add))
    if any(avu.attribute == names.URL for avu in add):
        present = {(avu.name, avu.value, avu.units or "") for avu in metadata.get_all(names.URL)}
        gone |= {avu for avu in present - came if avu[1].startswith("${")}
        came -= present
    operations = [("remove", avu) for avu in sorted(gone)] + [("add", avu) for avu in sorted(came)]
    if operations:
        metadata.apply_atomic_operations(
            *(AVUOperation(operation=kind, avu=iRODSMeta(*avu[:2], avu[2] or None)) for kind, avu in operations)
        )


def _write(session: iRODSSession, archive: Archive, root: str, number: int) -> None:
    from irods.meta import iRODSMeta

    each = archive.grid.objects[number]
    path = _at(root, each.path)
    with _said_of(path):
        with session.data_objects.open(path, "w") as stream:
            for block in archive.content(number):
                stream.write(block)
        metadata = session.data_objects.get(path).metadata
        known = {(avu.name, avu.value, avu.units or "") for avu in metadata.items()}
        for avu in each.avus:
            if (avu.attribute, avu.value, avu.units) not in known:
                metadata.add(iRODSMeta(avu.attribute, avu.value, avu.units or None))


@contextmanager
def _said_of(path: str) -> Iterator[None]:
    try:
        yield
    except GridError:
        raise
    except Exception as error:
        raise GridError(f"{path}: {message(error)}; what was done stays, run the import again") from error
