"""The dependents of a change: the components that take values from what changed, in the order in which to build them.

Cost of a change of AVUs: one query for each level of collections (one where nothing lies below) and two more; the same
for each collection that stands for it; and one for each step to components that depend on these, hundreds at once. If
more than a few name one of them, a step takes two queries and leaves out components of other users (`Access.naming`):
their owners and the gate take care of those.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator

from ova_rules import names
from ova_rules.catalog.access import Access
from ova_rules.catalog.types import Avu
from ova_rules.component.pointers import pointing
from ova_rules.component.source import path_from, urls_of
from ova_rules.component.tree import above, components, naming, tree


def of_avus(catalog: Access, collection: str) -> list[str]:
    """The components that a change of this collection's AVUs may reach, in building order.

    These are those at or below it, those that have them as prototypes, and all that take values from them.
    """
    there = tree(catalog, collection)
    holders = above(collection)[1:]
    near = naming(catalog, there, (names.DEPENDS, names.LIKE), holders)
    found = set(components(catalog, there))
    edges = {(avu.value, avu.collection) for avu in near if avu.attribute == names.DEPENDS and avu.value not in holders}
    if any(avu.attribute == names.LIKE for avu in near):
        for place in _places(catalog, collection):
            there = tree(catalog, place)
            found.update(components(catalog, there))
            edges |= {(avu.value, avu.collection) for avu in naming(catalog, there, (names.DEPENDS,))}
    return _in_order(catalog, found, edges)


def of_collection(catalog: Access, path: str) -> list[str]:
    """The components that a collection reaches by its AVUs or by sources in it, also if it no longer exists."""
    named = catalog.values_like((names.URL, names.SOURCE, names.DEPENDS, names.LIKE), start=f"{path}/")
    found = {avu.collection for avu in named if avu.attribute != names.LIKE}
    found.update(*(of_avus(catalog, avu.collection) for avu in named if avu.attribute == names.LIKE))
    return [*of_components(catalog, found), *of_avus(catalog, path)]


class _Likes:
    """All `ova_like` of the zone, indexed by what they lead to."""

    def __init__(self, likes: Iterable[Avu]) -> None:
        self._by_value: dict[str, list[Avu]] = {}
        for like in likes:
            self._by_value.setdefault(like.value, []).append(like)
        self._values = sorted(self._by_value)

    def standing_for(self, changed: str) -> Iterator[tuple[Avu, str]]:
        """The `ova_like` by which collections stand for `changed` or for what is in it, each with its collection."""
        for holder in above(changed):
            for like in self._by_value.get(holder, ()):
                yield like, like.collection + changed[len(holder) :]
        from bisect import bisect_left

        below = f"{changed}/"
        for value in self._values[bisect_left(self._values, below) :]:
            if not value.startswith(below):
                break
            for like in self._by_value[value]:
                yield like, like.collection


def _places(catalog: Access, changed: str) -> set[str]:
    """The collections that stand for `changed`, or for what is in it, through one `ova_like` or several in turn.

    Leaves out those below collections of other users, where the client can build nothing.
    """
    likes = _Likes(catalog.likes())
    waiting, holders = [(changed, frozenset[Avu]())], dict[str, str]()
    while waiting:
        root, followed = waiting.pop(0)
        for like, place in likes.standing_for(root):
            # Each is used once on the way, as in a lineage: some lead to ever longer paths.
            if place not in holders and like not in followed:
                holders[place] = like.collection
                waiting.append((place, followed | {like}))
    own = set(catalog.annotatable(dict.fromkeys(holders.values())))
    return {place for place, holder in holders.items() if holder in own} - {changed}


def derived(catalog: Access, collection: str) -> list[str]:
    """The collections whose prototype is this one, one above it, one in it, or one of those found; in that order."""
    found: dict[str, None] = {}
    likes = _Likes(catalog.likes())
    waiting = [collection]
    while waiting:
        for like, _ in likes.standing_for(waiting.pop(0)):
            if like.collection not in found:
                found[like.collection] = None
                waiting.append(like.collection)
    return list(found)


def of_source(catalog: Access, path: str) -> list[str]:
    """The components whose `ova_url` names `path`, or that were made from it, and those that depend on them."""
    found = {avu.collection for avu in pointing(catalog, (names.URL, names.SOURCE), [path])}
    found |= {avu.collection for avu in catalog.naming((names.URL,), urls_of(catalog, path))}
    for avu in catalog.values_like((names.URL,), part=posixpath.basename(path)):
        if path_from(avu.collection, avu.value) == path:
            found.add(avu.collection)
    return of_components(catalog, found) if found else []


def of_text(catalog: Access, path: str) -> list[str]:
    """The components with a value that takes the text of this data object, and those that depend on them."""
    found = {avu.collection for avu in pointing(catalog, (names.DEPENDS,), [posixpath.dirname(path)])}
    return of_components(catalog, found) if found else []


def of_components(catalog: Access, components: Iterable[str]) -> list[str]:
    """These components, and those that depend on them."""
    return _in_order(catalog, set(components), None)


def _in_order(catalog: Access, found: set[str], edges: set[tuple[str, str]] | None) -> list[str]:
    found = {path for path in found if not names.in_trash(path)}
    if edges is None:
        known, fresh = set[tuple[str, str]](), sorted(found)
    else:
        known = edges
        fresh = sorted({other for _, other in edges} - found)
        found.update(fresh)
    while fresh:
        new: set[tuple[str, str]] = set()
        new.update((avu.value, avu.collection) for avu in pointing(catalog, (names.DEPENDS,), fresh))
        known |= new
        fresh = sorted({other for _, other in new if not names.in_trash(other)} - found)
        found.update(fresh)
    return _sorted(found, known)


def _sorted(components: set[str], edges: set[tuple[str, str]]) -> list[str]:
    """Sorts components after those that they depend on. Those in a circle come last, in the order of their names."""
    before: dict[str, set[str]] = {path: set() for path in components}
    after: dict[str, set[str]] = {path: set() for path in components}
    for path, other in edges:
        if path in before and other in before and path != other:
            before[other].add(path)
            after[path].add(other)
    result: list[str] = []
    free = sorted((path for path, others in before.items() if not others), reverse=True)
    while free:
        path = free.pop()
        result.append(path)
        for other in sorted(after[path], reverse=True):
            before[other].discard(path)
            if not before[other]:
                free.append(other)
    done = set(result)
    return result + sorted(components - done)
