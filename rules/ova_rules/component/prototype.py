"""`ova_like`: one collection stands for another, its prototype. Checks its values; finds whose tasks are in effect.

What the prototype sets is inherited (see `inheritance`). Reading only; `build.completion` makes the components that the
prototype has.
"""

from __future__ import annotations

from ova_rules import names
from ova_rules.catalog.access import Access
from ova_rules.catalog.types import Avu
from ova_rules.component.inheritance import like_of, lineage
from ova_rules.component.model import Component
from ova_rules.errors import ComponentError


def require_possible(catalog: Access, collection: str, value: str) -> None:
    """Raises ComponentError, in one line, if `ova_like` of a collection cannot have this value."""
    like_of([Avu(collection, names.LIKE, value)])
    label = f"AVU ova_like of {collection}: {value}"
    if not catalog.visible([value]):
        raise ComponentError(f"{label} does not exist, or {catalog.user} may not read it")
    if lineage(catalog, value).error is not None or _comes_back(catalog, collection, value):
        raise ComponentError(f"{label} is itself like it")


def _comes_back(catalog: Access, collection: str, value: str) -> bool:
    """Whether `value` leads back to `collection`, into it or above it, directly or through other `ova_like`."""
    likes = [like for like in catalog.values_like((names.LIKE,)) if like.collection != collection]
    waiting, followed = [value], set[Avu]()
    while waiting:
        path = waiting.pop()
        if f"{path}/".startswith(f"{collection}/") or f"{collection}/".startswith(f"{path}/"):
            return True
        for like in likes:
            inside = f"{path}/".startswith(f"{like.collection}/")
            if like not in followed and (inside or like.collection.startswith(f"{path}/")):
                followed.add(like)
                waiting.append(like.value + path[len(like.collection) :] if inside else like.value)
    return False


def tasks_of(catalog: Access, component: Component) -> list[Avu]:
    """The facts of a component that has prototypes: whose `install`, `config` and `reset` are in effect."""
    places = (component.path, *component.prototypes)
    candidates = {kind: [f"{path}/{kind}" for path in places] for kind in names.TASK_COLLECTIONS}
    there = catalog.visible([path for paths in candidates.values() for path in paths])
    found = {kind: next((path for path in paths if path in there), None) for kind, paths in candidates.items()}
    return [Avu(component.path, names.TASKS, path, kind) for kind, path in found.items() if path is not None]
