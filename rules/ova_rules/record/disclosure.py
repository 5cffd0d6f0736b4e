"""What facts show of the places that a component takes something from: the path, if every reader may know it.

A reader of the component's AVUs may know what these name, and the collections above the component. Of other places the
path is shown only if all who may read the component may read the place; else a hash stands for it.
"""

from __future__ import annotations

from collections.abc import Iterable

from ova_rules.catalog.access import Access
from ova_rules.component.model import Inputs
from ova_rules.component.pointers import hashed


def shown_collections(catalog: Access, now: Inputs, paths: Iterable[str]) -> list[str]:
    """What stands for these collections in facts, sorted. At most one query, where AVUs of others lead there."""
    component = now.component
    known, asked = set(now.public), set(paths)
    others = asked - known
    if others:
        readers = catalog.readers([component.path, *others])
        known |= {path for path in others if readers[component.path] <= readers[path]}
    return sorted(path if path in known else hashed(path) for path in asked)


def shown_source(catalog: Access, now: Inputs, path: str) -> str:
    """What stands for the path of a source that `ova_url` leads to by a reference. Two queries."""
    component = now.component
    collection = path.rpartition("/")[0]
    readers = catalog.readers([component.path, collection])
    may_know = readers[component.path] <= (readers[collection] & catalog.object_readers(path))
    return path if may_know else hashed(path)
