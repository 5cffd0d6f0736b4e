"""What an event means for components: which of them to build. Reads the catalog, then builds; hooks call nothing else.

Every function here is called only after a hook has decided by string comparison that the event may be ours.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from rules import jobs, names
from rules.build import build
from rules.catalog import Catalog
from rules.component import read
from rules.errors import ComponentError
from rules.settings import Settings


def avus_changed(catalog: Catalog, settings: Settings, collection: str, *, removed: bool) -> None:
    """AVUs of a collection changed: it, the components below it and those that name one of these are built.

    removed: whether the change may have taken `ova_url` away.
    """
    below = catalog.collections_with(names.URL, at_or_below=collection)
    if removed and collection not in below:
        _forget(catalog, collection)
    build_all(catalog, settings, [*below, *_dependents(catalog, [collection, *below])])


def source_changed(catalog: Catalog, settings: Settings, path: str) -> None:
    """A data object that may be a source was written, registered, renamed or deleted."""
    build_all(catalog, settings, components_of_source(catalog, path))


def renamed(catalog: Catalog, settings: Settings, old: str, new: str) -> None:
    """An object or a collection has another path: components at the new one, and those of sources at either."""
    if names.looks_like_package(old) or names.looks_like_package(new):
        for path in (old, new):
            source_changed(catalog, settings, path)
    below = catalog.collections_with(names.URL, at_or_below=new)
    if new in below:
        _follow(catalog, old, new)
    affected = [*below, *_dependents(catalog, below)]
    for path in (old, new):  # sources inside a renamed collection
        affected += [avu.collection for avu in catalog.values_like(names.URL, start=path.rstrip("/") + "/")]
    build_all(catalog, settings, affected)


def components_of_source(catalog: Catalog, path: str) -> list[str]:
    """The components whose `ova_url` names `path`, absolutely or relative to themselves."""
    found = set(catalog.collections_with(names.URL, path))
    for avu in catalog.values_like(names.URL, end=posixpath.basename(path)):
        if posixpath.normpath(posixpath.join(avu.collection, avu.value)) == path:
            found.add(avu.collection)
    return sorted(found)


def build_all(catalog: Catalog, settings: Settings, components: Iterable[str]) -> None:
    """Builds each component once: the first ones now, the rest in the delay queue. One's trouble stops no other."""
    for number, path in enumerate(dict.fromkeys(components)):
        try:
            if number < settings.inline_components:
                build(catalog, settings, path, may_queue=True)
            else:
                jobs.queue(catalog, path)
        except ComponentError as error:
            catalog.log(str(error))


def _dependents(catalog: Catalog, components: Iterable[str]) -> list[str]:
    """The components whose values name one of these, at any distance."""
    found: dict[str, None] = {}
    waiting = list(components)
    while waiting:
        for other in catalog.collections_with(names.DEPENDS, waiting.pop()):
            if other not in found:
                found[other] = None
                waiting.append(other)
    return list(found)


def _forget(catalog: Catalog, collection: str) -> None:
    """`ova_url` is gone: what the server wrote about the component goes too; its last ready OVA stays as it is."""
    if collection not in catalog.collections_with(names.STATUS, at_or_below=collection):
        return
    stale = [avu for avu in catalog.avus([collection]) if names.is_fact(avu.attribute)]
    catalog.change_facts(collection, stale, [])


def _follow(catalog: Catalog, old: str, new: str) -> None:
    """A component was renamed: its ready OVA takes the new name, so that no second one is left behind."""
    before = f"{new}/{posixpath.basename(old)}.ova"
    after = names.ready_path(new)
    component = read(catalog, new)
    if component is None or before == after or component.fact(names.FINGERPRINT) is None:
        return
    if catalog.replicas(before) and not catalog.replicas(after) and catalog.may_write(new):
        catalog.rename(before, after)
