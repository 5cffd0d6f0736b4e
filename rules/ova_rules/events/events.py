"""What an event means for components: which of them to build. Reads the catalog, then builds; hooks call nothing else.

Every function here is called only after a hook has decided by string comparison that the event may be ours.
"""

from __future__ import annotations

import posixpath
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from ova_rules import jobs, names
from ova_rules.build.build import State, build, queue
from ova_rules.catalog.writes import Avu, Catalog
from ova_rules.component import dependents as reach
from ova_rules.component import prototype as likeness
from ova_rules.component.model import Component, read, read_any
from ova_rules.component.source import urls_of
from ova_rules.errors import ComponentError
from ova_rules.faults import report
from ova_rules.locks import locked
from ova_rules.record import authorship as vouching
from ova_rules.record import history
from ova_rules.record.signing import seals_of
from ova_rules.settings import Settings

# How long one event waits, in all, for builds of other agents before it leaves the rest to the delay queue.
_PATIENCE_SECONDS = 5.0


def avus_changed(
    catalog: Catalog,
    settings: Settings,
    collection: str,
    added: Sequence[Avu],
    affected: Sequence[str],
    *,
    url_may_be_gone: bool,
) -> None:
    """AVUs of a collection changed: it, the components below it and all that take values from these are built.

    added: the AVUs that the client is known to have set. affected: what the change reaches (`reach.of_avus`).
    """
    with _others_go_on(catalog, collection):
        _note_who_set(catalog, settings, collection, added)
    attributes = {avu.attribute for avu in added}
    if names.RESTORE in attributes:
        with _others_go_on(catalog, collection):
            _restore(catalog, settings, collection)
    if names.IMAGES in attributes:
        jobs.queue(catalog, jobs.CHECK, collection, running=True)
    if names.REFRESH in attributes:
        jobs.queue(catalog, jobs.FETCH, collection, running=True)
    if attributes & {names.URL, names.LIKE}:  # elsewhere, or here, a component may be missing now
        own = [collection] if names.LIKE in attributes else []
        _complete(catalog, settings, [*own, *reach.alike(catalog, collection)])
    if attributes & {names.URL, names.LIKE, names.RESTORE}:
        affected = reach.of_avus(catalog, collection)
    if url_may_be_gone and not catalog.is_component(collection):
        with _others_go_on(catalog, collection):
            _forget(catalog, settings, collection)
    build_all(catalog, settings, affected, collection)


@contextmanager
def _others_go_on(catalog: Catalog, collection: str) -> Iterator[None]:
    """What goes wrong with one collection goes to the log (AVUs that no server can read, say); others are built."""
    try:
        yield
    except Exception as error:
        report(catalog.log, f"AVUs of {collection}", error)


def objection(catalog: Catalog, settings: Settings, avu: Avu, *, too_long: bool = False) -> str | None:
    """Why a collection cannot have this AVU, a control or one that is too long, in one line; None if it can."""
    if too_long:
        text = f"AVU {avu.attribute[:60]} of {avu.collection}: iRODS reads 2700 bytes of a value and 250 of units, "
        counts = avu.attribute in (names.URL, names.LIKE) or reach.of_avus(catalog, avu.collection)
        return f"{text}and with a longer one nothing of a component" if counts else None
    try:
        if avu.attribute == names.LIKE:
            return likeness.objection(catalog, avu.collection, avu.value)
        component = read_any(catalog, avu.collection)
    except ComponentError as error:
        return str(error)
    entry = (
        history.find(component, avu.value, seals_of(settings))
        if component is not None
        else f"{avu.collection} has no ova::history"
    )
    return entry if isinstance(entry, str) else None


def source_changed(catalog: Catalog, settings: Settings, path: str) -> None:
    """A data object that may be a source was written, registered, renamed or deleted."""
    build_all(catalog, settings, of_source(catalog, path), path)


def run_change(catalog: Catalog, settings: Settings, path: str) -> None:
    """The job `change`: builds all that a collection, or a source, reaches and that is not what it should be."""
    from ova_rules.build.staleness import stale

    affected = of_source(catalog, path) if names.looks_like_package(path) else reach.of_collection(catalog, path)
    for found in stale(catalog, settings, affected):
        _build_one(catalog, settings, found.path, 0.0)


def run_like(catalog: Catalog, settings: Settings, collection: str) -> None:
    """The job `like`: makes all the components that a collection with `ova_like` should have, and builds them."""
    likeness.complete(catalog, settings, collection)
    run_change(catalog, settings, collection)


def removed(catalog: Catalog, settings: Settings, path: str) -> None:
    """A data object that may be a source, or a ready OVA, is gone."""
    collection = names.component_of(path)
    component = _readable(catalog, collection) if collection else None
    if component is not None and catalog.may_note(component.path):
        # Not built anew here: its collection may be on its way out, too.
        status = [avu for avu in component.facts if avu.attribute in (names.STATUS, names.MESSAGE)]
        gone = Avu(
            component.path, names.MESSAGE, f"{path} was removed; set an AVU of {component.path} to have it again"
        )
        catalog.change_facts(component.path, status, [Avu(component.path, names.STATUS, names.FAILED), gone])
    for user in of_source(catalog, path)[: settings.inline_components]:
        # Those made from it say so. It is not made again for them: see above.
        _build_one(catalog, settings, user, 0.0, upstream=False)


def renamed(catalog: Catalog, settings: Settings, old: str, new: str) -> None:
    """An object or a collection has another path: components at the new one, and all that names either."""
    affected: list[str] = []
    for path in (old, new):
        if names.looks_like_package(path):
            affected += of_source(catalog, path)
            affected += [name for name in [names.component_of(path)] if name]
    if catalog.visible([new]):  # a collection
        _complete(catalog, settings, reach.alike(catalog, new))
        affected += reach.of_collection(catalog, old)
        there = reach.of_collection(catalog, new)
        if new in there:
            with _others_go_on(catalog, new):
                _follow_name(catalog, settings, old, new)
        affected += there
    build_all(catalog, settings, affected, old, new)


def follow(catalog: Catalog, path: str) -> None:
    """The ready OVA of a component was built outside of an event: what depends on it is built by a job."""
    if catalog.naming((names.DEPENDS,), [path]):
        jobs.queue(catalog, jobs.CHANGE, path, running=True)


def of_source(catalog: Catalog, path: str) -> list[str]:
    """The components whose `ova_url` names `path`, or that were made from it, and those that depend on them."""
    found = {avu.collection for avu in catalog.naming((names.URL, names.SOURCE), [path])}
    found |= {avu.collection for avu in catalog.naming((names.URL,), urls_of(catalog, path))}
    for avu in catalog.values_like((names.URL,), end=posixpath.basename(path)):
        if posixpath.normpath(posixpath.join(avu.collection, avu.value)) == path:
            found.add(avu.collection)
    return reach.of_components(catalog, found) if found else []


def build_all(catalog: Catalog, settings: Settings, components: Iterable[str], *causes: str) -> None:
    """Builds each component once: the first ones now, the rest in one job for each cause. One's trouble stops no other.

    causes: the collections or sources that changed; a job finds out anew what its one reaches.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    ordered = list(dict.fromkeys(components))
    for path in ordered[: settings.inline_components]:
        _build_one(catalog, settings, path, max(0.0, deadline - time.monotonic()))
    if len(ordered) > settings.inline_components:
        for cause in causes:
            jobs.queue(catalog, jobs.CHANGE, cause, running=True)


def _build_one(catalog: Catalog, settings: Settings, path: str, wait: float, *, upstream: bool = True) -> None:
    try:
        build(catalog, settings, path, may_queue=True, wait=wait, upstream=upstream)
    except ComponentError:
        _build_later(catalog, path)
    except Exception as error:
        report(catalog.log, path, error)


def _build_later(catalog: Catalog, path: str) -> None:
    """Another one builds it and may have read the AVUs before this event, or it changes faster than it is built."""
    component = _readable(catalog, path)
    if component is not None:
        queue(catalog, component)


def _readable(catalog: Catalog, path: str) -> Component | None:
    """The component at `path`; None also if there are AVUs that nobody can read, of which the journal then tells."""
    try:
        return read(catalog, path)
    except ComponentError as error:
        catalog.journal("component", component=path, done=f"failed: {error}")
        return None


def run_build(catalog: Catalog, settings: Settings, path: str) -> None:
    """The job `build`: one component, with its progress; then what depends on its ready OVA."""
    from ova_rules.build.progress import progress

    with progress(catalog, path) as shown:
        state = build(catalog, settings, path, may_queue=False, wait=settings.gate_wait, progress=shown)
    if state is State.BUILT:
        others = [other for other in reach.of_components(catalog, [path]) if other != path]
        build_all(catalog, settings, others, path)


def _note_who_set(catalog: Catalog, settings: Settings, collection: str, added: Iterable[Avu]) -> None:
    """Notes the client as the one who set AVUs that reach for other things; most AVUs do not and cost nothing."""
    reaching = {avu for avu in added if vouching.reaches(avu)}
    if not reaching:
        return
    component = read_any(catalog, collection)  # values with references may be there before ova_url is
    if component is not None and catalog.may_note(collection):
        vouching.record(catalog, settings, component, lambda avu: avu in reaching)


def _complete(catalog: Catalog, settings: Settings, roots: Iterable[str]) -> None:
    """Makes the components that collections with `ova_like` should have: the first ones now, the rest in a job."""
    for root in roots:
        try:
            if not likeness.complete(catalog, settings, root, settings.inline_components):
                jobs.queue(catalog, jobs.LIKE, root, running=True)
        except ComponentError as error:
            catalog.journal("like", collection=root, done=f"failed: {error}")


def _restore(catalog: Catalog, settings: Settings, collection: str) -> None:
    """`ova_restore` brings back the AVUs of an entry of the history, as AVUs that this client set."""
    component = read_any(catalog, collection)
    if component is None or not catalog.may_note(collection):
        return
    command = [avu for avu in catalog.avus([collection]) if avu.attribute == names.RESTORE]
    entry = history.find(component, command[-1].value, seals_of(settings)) if command else ""
    if isinstance(entry, str):
        catalog.remove_avus(collection, command)
        return
    remove, add = history.changes(component, entry, command)
    catalog.remove_avus(collection, remove)
    catalog.change_facts(collection, [], add)
    _note_who_set(catalog, settings, collection, [avu for avu in add if vouching.reaches(avu)])


def _forget(catalog: Catalog, settings: Settings, collection: str) -> None:
    """`ova_url` is gone: what the server wrote about the component goes too; its last ready OVA stays as it is."""
    facts = [avu for avu in catalog.avus([collection]) if names.is_fact(avu.attribute)]
    stale = [avu for avu in facts if avu.attribute not in (names.SET_BY, names.HISTORY, names.HISTORY_VALUES)]
    if stale and catalog.may_note(collection):
        catalog.change_facts(collection, stale, [])
    if stale:
        from ova_rules.images.in_use import changed

        changed(catalog, settings, collection, None, None)


def _follow_name(catalog: Catalog, settings: Settings, old: str, new: str) -> None:
    """A component was renamed: its ready OVA takes the new name, so that no second one is left behind."""
    before = f"{new}/{posixpath.basename(old)}.ova"
    after = names.ready_path(new)
    component = read(catalog, new)
    if component is None or before == after or component.fact(names.FINGERPRINT) is None:
        return
    with locked(settings.state_directory, new, _PATIENCE_SECONDS):  # a build could make it at this moment
        if catalog.replicas(before) and not catalog.replicas(after) and catalog.may_rename(before):
            catalog.rename(before, after)
