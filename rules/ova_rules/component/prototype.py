"""`ova_like`: one grid in the place of another. Makes the components that the other has, by reference.

What the liked grid sets is inherited (see `inheritance`); a component made here follows its source by the reference
`${PATH:ova_url}`. Tasks are not copied either: `ova::tasks` says whose collections are in effect.
"""

from __future__ import annotations

import posixpath

from ova_rules import names
from ova_rules.catalog.writes import Avu, Catalog
from ova_rules.component.inheritance import like_of, lineage
from ova_rules.component.matching import described
from ova_rules.component.model import Component, read_any
from ova_rules.component.tree import components_below
from ova_rules.errors import ComponentError
from ova_rules.record import authorship as vouching
from ova_rules.record.signing import seals_of
from ova_rules.settings import Settings


def objection(catalog: Catalog, collection: str, value: str) -> str | None:
    """Why `ova_like` of a collection cannot have this value, in one line; None if it can."""
    try:
        like_of([Avu(collection, names.LIKE, value)])
    except ComponentError as error:
        return str(error)
    if not catalog.visible([value]):
        return f"AVU ova_like of {collection}: {value} does not exist, or {catalog.user} may not read it"
    circle = lineage(catalog, value).trouble is not None or _comes_back(catalog, collection, value)
    return f"AVU ova_like of {collection}: {value} is itself like it" if circle else None


def _comes_back(catalog: Catalog, collection: str, value: str) -> bool:
    """Whether what `value` holds, or is in, is like `collection`, or what holds it or is in it; over others, too."""
    likes = [avu for avu in catalog.likes() if avu.collection != collection]
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


def complete(catalog: Catalog, settings: Settings, collection: str, most: int | None = None) -> bool:
    """Makes the components that the collection should have and does not, at most `most`; whether that was all.

    Raises ComponentError if its `ova_like` cannot be meant, or components cannot be made for want of permission.
    """
    like = like_of(catalog.avus([collection]))
    if like is None:
        return True
    here = read_any(catalog, collection)
    setter = vouching.voucher(catalog, seals_of(settings), here, like) if here is not None else None
    if setter is None:
        raise ComponentError(f"{described(like)}: it is not known who set it; set it again", lasting=False)
    prefix = like.value
    wanted = [collection + other[len(prefix) :] for other in components_below(catalog, prefix)]
    present = catalog.having(wanted, names.URL)  # also where the client does not see what holds them
    missing = [path for path in wanted if path not in present]
    trouble: ComponentError | None = None
    for path in missing[:most]:
        try:
            _make(catalog, settings, path, prefix + path[len(collection) :], setter)
        except ComponentError as error:  # the others can be made
            trouble = trouble or error
    if most is not None and len(missing) > most:
        return False
    if trouble is not None:
        raise trouble
    return True


def _make(catalog: Catalog, settings: Settings, path: str, other: str, setter: str) -> None:
    """One component. Whoever set `ova_like` answers for its source, not whoever's event makes it."""
    chain = [path]
    while not catalog.visible([chain[-1]]):
        chain.append(posixpath.dirname(chain[-1]))
    there, allowed = chain[-1], catalog.may_note if len(chain) == 1 else catalog.may_write
    if not allowed(there):
        raise ComponentError(f"{catalog.user} may not write in {there}", lasting=False)
    url = Avu(path, names.URL, f"${{{other}:{names.URL}}}")
    try:
        for collection in reversed(chain[:-1]):
            catalog.make_collection(collection)
        catalog.change_facts(path, [], [url])
    except RuntimeError as error:  # it may be there, and this client may not see it
        raise ComponentError(f"{path} cannot be made by {catalog.user} ({error})", lasting=False) from error
    component = read_any(catalog, path)
    if component is not None:
        vouching.record(catalog, settings, component, lambda avu: avu == url, setter)


def tasks(catalog: Catalog, component: Component) -> list[Avu]:
    """For a component that is like others: whose collections `install`, `config` and `reset` are in effect."""
    if len(component.alike) < 2:
        return []
    candidates = {kind: [f"{path}/{kind}" for path in component.alike] for kind in names.TASK_COLLECTIONS}
    there = catalog.visible([path for paths in candidates.values() for path in paths])
    found = {kind: next((path for path in paths if path in there), None) for kind, paths in candidates.items()}
    return [Avu(component.path, names.TASKS, path, kind) for kind, path in found.items() if path is not None]
