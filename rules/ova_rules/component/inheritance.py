"""Which collections' AVUs count for a collection, and in which order: the nearest wins.

A collection takes AVUs of itself and of all collections above it. If one of these has `ova_like PATH`, the collections
at the same place in and above PATH rank right behind it: its own AVUs are stronger, those farther away are weaker.
Reading only; one query for the usual collection, one more for each `ova_like`.
"""

from __future__ import annotations

import posixpath

from ova_rules import names
from ova_rules.catalog.types import Avu
from ova_rules.component.matching import described
from ova_rules.component.source import as_path
from ova_rules.component.tree import above
from ova_rules.errors import ComponentError
from ova_tools.records import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Protocol

    class Reader(Protocol):
        """Reads AVUs: the catalog, or a snapshot of it."""

        def avus(self, collections: Iterable[str]) -> list[Avu]:
            """Every AVU of these collections that the client may see."""


@dataclass
class Lineage:
    """The collections that a collection takes AVUs from.

    levels: collection -> all its AVUs, nearest first. prototypes: those it stands for, nearest first.
    likes: the `ova_like` AVUs that lead there, each with the collections that it adds.
    """

    levels: dict[str, list[Avu]] = field(default_factory=dict)
    prototypes: list[str] = field(default_factory=list)
    likes: dict[Avu, set[str]] = field(default_factory=dict)
    error: ComponentError | None = None


def lineage(reader: Reader, path: str) -> Lineage:
    """All AVUs that may count for the collection at `path`. An `ova_like` that leads nowhere becomes its `error`.

    Raises ComponentError if its own AVUs, or those of the collections above it, cannot be read.
    """
    found = Lineage()
    try:
        _follow(reader, path, found, {}, ())
    except ComponentError as error:
        if path not in found.levels:
            raise
        found.error = error
    return found


def _follow(
    reader: Reader, path: str, found: Lineage, known: dict[str, list[Avu]], trail: tuple[tuple[str, Avu | None], ...]
) -> None:
    missing = [name for name in above(path) if name not in known]
    known.update({name: [] for name in missing})
    for avu in reader.avus(missing):
        known[avu.collection].append(avu)
    if trail:
        found.prototypes.append(path)
    for name in above(path):
        if name in found.levels:
            continue
        found.levels[name] = known[name]
        for _, like in trail:
            if like is not None:
                found.likes[like].add(name)
        own_like = like_of(known[name])
        if own_like is None:
            continue
        found.likes.setdefault(own_like, set())
        other = own_like.value + path[len(name) :]
        passed = [step for step, _ in trail] + [path]
        if other in passed:
            circle = " -> ".join([*passed[passed.index(other) :], other])
            raise ComponentError(f"{described(own_like)}: goes in a circle: {circle}")
        _follow(reader, other, found, known, (*trail, (path, own_like)))


def like_of(avus: list[Avu]) -> Avu | None:
    """The `ova_like` of a collection with these AVUs, checked. Raises ComponentError if its value is impossible."""
    likes = [avu for avu in avus if avu.attribute == names.LIKE]
    if not likes:
        return None
    if len(likes) > 1:
        values = " and ".join(sorted(avu.value for avu in likes))
        raise ComponentError(f"{described(likes[0])} has several values: {values}; keep one")
    path, own = likes[0].value, likes[0].collection
    if path != absolute(likes[0]) or path.count("/") < 2:
        raise ComponentError(f"{described(likes[0])}: {path} is not the path of a collection")
    if f"{path}/".startswith(f"{own}/") or f"{own}/".startswith(f"{path}/"):
        raise ComponentError(f"{described(likes[0])}: {path} is the collection itself, or holds it or lies in it")
    return likes[0]


def absolute(like: Avu) -> str:
    """The absolute path of an `ova_like`. It may be relative to its collection and written as clients write paths."""
    return posixpath.normpath(posixpath.join(like.collection, as_path(like.value)))
