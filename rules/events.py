"""What an event means for components: which of them to build. Reads the catalog, then builds; hooks call nothing else.

Every function here is called only after a hook has decided by string comparison that the event may be ours.
"""

from __future__ import annotations

import posixpath
import time
from collections.abc import Iterable

from rules import jobs, names, vouching
from rules.build import build, queue
from rules.catalog import Avu, Catalog
from rules.component import read, read_any
from rules.faults import report
from rules.locks import BusyError
from rules.settings import Settings

# How long one event waits, in all, for builds of other agents before it leaves the rest to the delay queue.
_PATIENCE_SECONDS = 5.0


def avus_changed(
    catalog: Catalog, settings: Settings, collection: str, added: Iterable[Avu], *, url_may_be_gone: bool
) -> None:
    """AVUs of a collection changed: it, the components below it and those that name one of these are built.

    added: the AVUs that the client is known to have set.
    """
    below = catalog.components_below(collection)
    _note_who_set(catalog, settings, collection, added)
    if url_may_be_gone and collection not in below:
        _forget(catalog, collection)
    build_all(catalog, settings, [*below, *_dependents(catalog, [collection, *below])])


def source_changed(catalog: Catalog, settings: Settings, path: str) -> None:
    """A data object that may be a source was written, registered, renamed or deleted."""
    build_all(catalog, settings, components_of_source(catalog, path))


def removed(catalog: Catalog, settings: Settings, path: str) -> None:
    """A data object that may be a source, or a ready OVA, is gone."""
    collection = names.component_of(path)
    component = read(catalog, collection) if collection else None
    if component is not None and catalog.may_note(component.path):
        # Not built anew here: its collection may be on its way out, too.
        status = [avu for avu in component.facts if avu.attribute in (names.STATUS, names.MESSAGE)]
        gone = Avu(
            component.path, names.MESSAGE, f"{path} was removed; set an AVU of {component.path} to have it again"
        )
        catalog.change_facts(component.path, status, [Avu(component.path, names.STATUS, names.FAILED), gone])
    source_changed(catalog, settings, path)


def renamed(catalog: Catalog, settings: Settings, old: str, new: str) -> None:
    """An object or a collection has another path: components at the new one, and those of sources at either."""
    affected: list[str] = []
    for path in (old, new):
        if names.looks_like_package(path):
            affected += components_of_source(catalog, path)
            affected += [name for name in [names.component_of(path)] if name]
    if catalog.visible([new]):  # a collection
        for path in (old, new):  # sources in it
            found = catalog.values_like((names.URL, names.SOURCE), start=path.rstrip("/") + "/")
            affected += [avu.collection for avu in found]
        below = catalog.components_below(new)
        if new in below:
            _follow(catalog, old, new)
        affected += [*below, *_dependents(catalog, [old, new, *below])]
    build_all(catalog, settings, affected)


def components_of_source(catalog: Catalog, path: str) -> list[str]:
    """The components whose `ova_url` names `path`, absolutely or relative to themselves, or that were made from it."""
    found = set(catalog.collections_with((names.URL, names.SOURCE), path))
    for avu in catalog.values_like((names.URL,), end=posixpath.basename(path)):
        if posixpath.normpath(posixpath.join(avu.collection, avu.value)) == path:
            found.add(avu.collection)
    return sorted(found)


def build_all(catalog: Catalog, settings: Settings, components: Iterable[str]) -> None:
    """Builds each component once: the first ones now, the rest in the delay queue. One's trouble stops no other."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    for number, path in enumerate(dict.fromkeys(components)):
        try:
            if number >= settings.inline_components:
                queue(catalog, path, "waits in the delay queue")
                continue
            try:
                build(catalog, settings, path, may_queue=True, wait=max(0.0, deadline - time.monotonic()))
            except BusyError:
                jobs.queue(catalog, path)  # the one who builds now may have read the AVUs before this event
        except Exception as error:
            report(catalog.log, f"{path}", error)


def _note_who_set(catalog: Catalog, settings: Settings, collection: str, added: Iterable[Avu]) -> None:
    """Notes the client as the one who set AVUs that reach for other things; most AVUs do not and cost nothing."""
    reaching = {avu for avu in added if vouching.reaches(avu)}
    if not reaching:
        return
    component = read_any(catalog, collection)  # values with references may be there before ova_url is
    if component is not None and catalog.may_note(collection):
        vouching.record(catalog, settings, component, lambda avu: avu in reaching)


def _dependents(catalog: Catalog, components: Iterable[str]) -> list[str]:
    """The components whose values name one of these, at any distance."""
    found: dict[str, None] = {}
    waiting = list(dict.fromkeys(components))
    while waiting:
        for other in catalog.collections_with((names.DEPENDS,), waiting.pop()):
            if other not in found:
                found[other] = None
                waiting.append(other)
    return list(found)


def _forget(catalog: Catalog, collection: str) -> None:
    """`ova_url` is gone: what the server wrote about the component goes too; its last ready OVA stays as it is."""
    facts = [avu for avu in catalog.avus([collection]) if names.is_fact(avu.attribute)]
    stale = [avu for avu in facts if avu.attribute != names.SET_BY]
    if stale and catalog.may_note(collection):
        catalog.change_facts(collection, stale, [])


def _follow(catalog: Catalog, old: str, new: str) -> None:
    """A component was renamed: its ready OVA takes the new name, so that no second one is left behind."""
    before = f"{new}/{posixpath.basename(old)}.ova"
    after = names.ready_path(new)
    component = read(catalog, new)
    if component is None or before == after or component.fact(names.FINGERPRINT) is None:
        return
    if catalog.replicas(before) and not catalog.replicas(after) and catalog.may_rename(before):
        catalog.rename(before, after)
