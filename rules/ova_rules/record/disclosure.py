"""How facts show the places that a component takes something from: by path, if every reader may know it.

A reader of the component's AVUs may know what these name, and the collections above the component. The path of another
place is shown only if all who may read the component may read the place; else a hash stands for it.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping, Sequence

from ova_rules.catalog.access import Access
from ova_rules.catalog.types import Avu
from ova_rules.component.model import Inputs
from ova_rules.component.pointers import hashed
from ova_rules.component.source import Address
from ova_tools.records import replace


def shown_collections(catalog: Access, now: Inputs, paths: Iterable[str]) -> dict[str, str]:
    """What stands in facts for each of these collections. At most one query, if AVUs of others lead there."""
    component = now.component
    known, asked = set(now.public), set(paths)
    others = asked - known
    if others:
        readers = catalog.readers([component.path, *others])
        known |= {path for path in others if readers[component.path] <= readers[path]}
    return {path: path if path in known else hashed(path) for path in asked}


def shown_values(catalog: Access, now: Inputs, avus: Iterable[Avu]) -> list[tuple[str, str | None, str, str]]:
    """AVUs of other collections as shown (attribute, value, units, collection), sorted. At most two queries.

    The value is None unless all who may read the component may read the collection that has the AVU.
    """
    own, asked = now.component.path, list(avus)
    others = {avu.collection for avu in asked}
    readers = catalog.readers([own, *others])
    shown = shown_collections(catalog, now, others)
    values = {path: readers[own] <= readers[path] for path in others}
    found = ((a.attribute, a.value if values[a.collection] else None, a.units, shown[a.collection]) for a in asked)
    return sorted(found, key=str)


def shown_tasks(catalog: Access, now: Inputs, tasks: Sequence[Avu]) -> list[Avu]:
    """The facts about tasks, with only what every reader may know. At most one query."""
    own = now.component.path
    known = {task.value for task in tasks if posixpath.dirname(task.value) in {own, *now.public}}
    others = {task.value for task in tasks} - known
    if others:
        readers = catalog.readers([own, *others])
        known |= {path for path in others if readers[own] <= readers[path]}
    return [task if task.value in known else replace(task, value=hashed(task.value)) for task in tasks]


def shown_task_objects(catalog: Access, now: Inputs, tasks: Sequence[Avu], places: Mapping[str, str]) -> list[Avu]:
    """The same for the tasks on a seed, which are data objects. places: by path, the collection that has its group."""
    shown = shown_collections(catalog, now, set(places.values()) - {now.component.path})
    hidden = {place for place, text in shown.items() if text != place}
    return [replace(task, value=hashed(task.value)) if places[task.value] in hidden else task for task in tasks]


def shown_source(catalog: Access, now: Inputs, path: str) -> str:
    """The path or hash of a source that `ova_url` leads to through a reference. Two queries."""
    of_component, of_object = catalog.readers_of_both(now.component.path, path)
    return path if of_component <= of_object else hashed(path)


def may_know_url(catalog: Access, address: Address, path: str) -> bool:
    """Whether all who may read a download may read the component whose `ova_url` is its URL. Two queries.

    A URL may hold a secret that gives access.
    """
    if address.by_reference:
        return False
    of_component, of_object = catalog.readers_of_both(address.component, path)
    return of_object <= of_component
