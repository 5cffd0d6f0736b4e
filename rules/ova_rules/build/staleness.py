"""What is out of date: whether a ready OVA matches its component's metadata now, for one component or for many.

Only this module decides that; the gate, the jobs and `ova-admin reconcile` ask here. Reading only. For many components
it decides from a snapshot of the catalog, which is a hint: a build reads again.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

from ova_rules import names
from ova_rules.catalog.access import Access
from ova_rules.catalog.types import Avu, Replica
from ova_rules.catalog.writes import Catalog
from ova_rules.component.controls import NO_FORMS, Forms, forms_of
from ova_rules.component.fingerprint import fingerprint
from ova_rules.component.model import Component, Expansion, Inputs, expansions, read
from ova_rules.component.source import (
    Address,
    Source,
    address_of,
    find_source,
    path_named,
    the_url,
    version_of,
    waiting_for_download,
)
from ova_rules.component.tree import above
from ova_rules.errors import BehindError, ComponentError, HiddenError, OutdatedError, WaitingError
from ova_rules.record.facts import has_failed
from ova_rules.record.last_build import LastBuild, last_build, recorded_state
from ova_rules.record.signing import signer_of
from ova_rules.settings import Settings
from ova_rules.state import is_known_ready
from ova_tools.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ova_rules.component.tasks import Task

_MOST_SOURCES = 50  # length of a chain of ready OVAs that is followed in one go
_AT_ONCE = 250  # components that are decided about together; their AVUs are in memory then


@dataclass(frozen=True)
class View:
    """What a component should be made from now, its last build, and whether its ready OVA is up to date."""

    inputs: Inputs
    last: LastBuild | None
    fresh: bool

    @property
    def component(self) -> Component:
        """The component."""
        return self.inputs.component

    def is_fresh(self, settings: Settings, path: str) -> bool:
        """Whether the ready OVA, or a form, at `path` is up to date, for a client that may not see all of them."""
        last, now = self.last, self.inputs
        if last is None or now.state is None or last.fingerprint != now.fingerprint:
            return False
        name = posixpath.basename(path)
        recorded = last.version_of(name)
        replicas = now.ready if path == now.component.ready_path else now.made.get(name, ())
        return recorded is not None and version_of(replicas, settings) == recorded


@dataclass(frozen=True)
class Stale:
    """A component whose ready OVA is out of date, and the reason, in one line.

    owner: of its collection (name#zone), if all components of a zone were examined.
    """

    component: str
    reason: str
    owner: str = ""


# ---- one component ---------------------------------------------------------------------------------------------------


def view(catalog: Access, settings: Settings, component: Component, trail: tuple[str, ...] = ()) -> View:
    """Compares what the component should be made from now with its last build. Raises no errors of its own.

    trail: the components whose source is this one's ready OVA, directly or through others.
    """
    last = last_build(component, signer_of(settings))
    now = _inputs(catalog, settings, component, last, trail)
    fresh = (
        now.state is not None
        and last is not None
        and last.fingerprint == now.fingerprint
        and version_of(now.ready, settings) == last.version
        and all(form.is_at(version_of(now.made.get(form.name, ()), settings)) for form in last.forms)
    )
    return View(now, last, fresh)


def _inputs(
    catalog: Access, settings: Settings, component: Component, last: LastBuild | None, trail: tuple[str, ...]
) -> Inputs:
    """Finds the source, expands the references, lists the tasks and computes the fingerprint."""
    expanded = expansions(catalog, settings, component)
    forms = NO_FORMS
    tasks: tuple[Task, ...] = ()
    versions: list[object] = []
    made: dict[str, tuple[Replica, ...]] = {}
    source, state, failure, upstream = None, None, component.error, None
    address, path = None, None
    if component.forms and failure is None:
        try:
            forms = forms_of(component.forms)
            if forms.kind is not None:
                from ova_rules.component.tasks import roles_of, tasks_of, versions_of
                from ova_rules.record.authorship import unreadable

                tasks = tasks_of(catalog, settings, component.chain)
                withheld = unreadable(catalog, settings, component, [task.path for task in tasks])
                tasks = tuple(task for task in tasks if task.path not in withheld)
                versions = versions_of(tasks) + roles_of(settings)
                versions += [component.path] if forms.clouds else []  # they say it
        except ComponentError as error:
            failure = error
    if failure is None:
        try:
            address = _address(catalog, settings, component, expanded)
            path = path_named(catalog, settings, address)
            upstream = _maker(catalog, settings, path)
            if upstream is not None:
                _require_fresh(catalog, settings, component, address, upstream, trail)
        except ComponentError as error:
            failure = error
    if address is None or path is None or failure is not None:
        ready = catalog.replicas(component.ready_path)
    else:
        beside = form_paths(component, last, forms)
        objects = catalog.replicas_and_access([component.ready_path, path, *beside.values()])
        ready = objects[component.ready_path]
        made = {name: tuple(objects[form]) for name, form in beside.items()}
        state = recorded_state(catalog, settings, last, path)
        try:
            known = last.source_state if last is not None else ""
            source = _source(catalog, settings, address, path, objects[path], known)
            state = source.state
        except ComponentError as error:
            failure = error
            state = None if isinstance(error, OutdatedError) else state
    levels = [[expanded[avu].avu for avu in level] for level in component.levels]
    controls = (*component.options, *component.default, *component.forms)
    current = fingerprint(levels, state or "", settings.digest, controls, versions)
    return Inputs(component, source, state, failure, expanded, current, upstream, tuple(ready), forms, tasks, made)


def form_paths(component: Component, last: LastBuild | None, forms: Forms) -> dict[str, str]:
    """The paths of the component's forms, by name: those of the last build, and those that most images give."""
    found = [form.name for form in last.forms] if last is not None else []
    found += forms.usual(posixpath.basename(component.path))
    return {name: f"{component.path}/{name}" for name in found}


def _address(catalog: Access, settings: Settings, component: Component, expanded: Mapping[Avu, Expansion]) -> Address:
    """The address behind `ova_url`. Raises ComponentError unless its author may read all that its references reach."""
    url = the_url(component.path, component.urls)
    expansion = expanded[url]
    if expansion.error is not None:
        raise expansion.error
    if expansion.reached:  # before anything is resolved, fetched or shown without the right to it
        from ova_rules.record.authorship import require_author

        require_author(catalog, settings, component, url, expansion)
    return address_of(component.path, url.value, expansion.avu.value)


def _source(
    catalog: Access, settings: Settings, address: Address, path: str, replicas: Sequence[Replica], known: str
) -> Source:
    try:
        found = find_source(catalog, settings, address, path, replicas, known)
    except (HiddenError, WaitingError):
        raise
    except ComponentError:
        from ova_rules.record.copies import copy_at, is_out_of_reach

        if not is_out_of_reach(catalog, settings, replicas):
            raise
        return copy_at(catalog, settings, address, path, replicas)
    if address.is_url:
        from ova_rules.record.fetched import is_fetched

        if not is_fetched(catalog, settings, found, address.value):
            raise waiting_for_download(address)
    return found


def _maker(catalog: Access, settings: Settings, path: str) -> str | None:
    """The component whose ready OVA a source is, or None."""
    collection = names.component_of(path)
    if collection is None:
        return None
    known = is_known_ready(settings.state_directory, path) or catalog.is_component(collection)
    return collection if known else None


def _require_fresh(
    catalog: Access,
    settings: Settings,
    component: Component,
    address: Address,
    upstream: str,
    trail: tuple[str, ...],
) -> None:
    """Raises ComponentError, or BehindError, unless the ready OVA of `upstream` is up to date."""
    trail = (*trail, component.path)
    if upstream == component.path:
        raise ComponentError(f"{address.label}: a component cannot be its own source")
    if upstream in trail:
        circle = " -> ".join([*trail[trail.index(upstream) :], upstream])
        shown = f": {circle}" if len({posixpath.dirname(path) for path in trail}) == 1 else ""
        raise ComponentError(f"{address.label}: the sources go in a circle{shown}")
    if len(trail) > _MOST_SOURCES:  # one that is built goes on from there
        text = f"more than {_MOST_SOURCES} ready OVAs are made from each other"
        raise ComponentError(f"{address.label}: {text}", lasting=False)
    if upstream in catalog.found_fresh:
        return
    other = read(catalog, upstream)
    if other is None:
        if catalog.visible([upstream]):
            return  # it was a component; what is left is an ordinary object
        raise ComponentError(
            f"{address.label}: {catalog.user} may not read the AVUs of the component that makes it", lasting=False
        )
    seen = view(catalog, settings, other, trail)
    error = seen.inputs.error
    if error is not None and error.lasting:
        raise ComponentError(f"{address.label}: {_said_of(catalog, component, upstream, str(error))}", lasting=False)
    if not seen.is_fresh(settings, other.ready_path):
        message = other.fact(names.MESSAGE)
        said = _said_of(catalog, component, upstream, f"is out of date{f': {message.value}' if message else ''}")
        below = error.chain if isinstance(error, BehindError) else ()
        raise BehindError(f"{address.label}: {said}", (*below, upstream))
    catalog.found_fresh.add(upstream)


def _said_of(catalog: Access, component: Component, upstream: str, text: str) -> str:
    """The error of the component that makes the source, if all readers of this component may read that one."""
    readers = catalog.readers([component.path, upstream])
    if readers[component.path] <= readers[upstream]:
        return f"{upstream} {text}" if text.startswith("is ") else f"{upstream}: {text}"
    return "the component that makes it is out of date; see its ova::message"


def why_stale(settings: Settings, seen: View) -> str | None:
    """Why a component has to be built, in one line; None if it is up to date, or is known to fail."""
    component = seen.component
    if seen.fresh:
        status = component.fact(names.STATUS)
        return None if status is not None and status.value == names.READY else "its status is not that of its OVA"
    if has_failed(seen.inputs, signer_of(settings)):
        return None
    if seen.last is None:
        return "never built" if component.fact(names.BUILD) is None else "its facts are not the server's"
    if seen.last.fingerprint != seen.inputs.fingerprint:
        return "its AVUs or its source changed"
    return "its ready OVA, or a form beside it, is not the file that was built"


# ---- many components -------------------------------------------------------------------------------------------------


def all_stale(catalog: Catalog, settings: Settings) -> Iterator[Stale]:
    """All out-of-date components of the zone, by owner. AVUs that an owner may not see are no reason to build.

    Finds what no event announced: AVUs set by `iput --metadata` or by microservices, another server's changes, a
    removed ready OVA, a lost job. Raises PermissionError for ordinary users.
    """
    if not catalog.is_administrator:
        raise PermissionError("only an administrator sees all components")
    owned: dict[str, list[str]] = {}
    for path, owner in catalog.all_components():
        owned.setdefault(owner, []).append(path)
    for owner, paths in owned.items():
        yield from stale(catalog, settings, paths, as_user=owner)


def stale(
    catalog: Catalog, settings: Settings, components: Sequence[str], as_user: str | None = None
) -> Iterator[Stale]:
    """The components that have to be built, in the order given. Each sees what was built before it in that order.

    as_user: for an administrator: AVUs that this user (name#zone) may not see are left out.
    """
    for start in range(0, len(components), _AT_ONCE):
        batch = components[start : start + _AT_ONCE]
        for path, seen in _views(catalog, settings, batch, as_user):
            reason = why_stale(settings, seen) if isinstance(seen, View) else seen
            if reason is not None:
                yield Stale(path, reason, as_user or "")


def _views(
    catalog: Catalog, settings: Settings, batch: Sequence[str], as_user: str | None
) -> list[tuple[str, View | str | None]]:
    """For each component: its view, the reason why there is none, or None if it is no longer a component."""
    from ova_rules.catalog.snapshot import Snapshot

    collections = sorted({name for path in batch for name in above(path)})
    reader: Access = catalog
    with suppress(ComponentError):  # one unreadable AVU makes reading all fail: then each is read alone
        reader = Snapshot(catalog, collections, [names.ready_path(path) for path in batch], as_user)
    return [(path, _view(reader, settings, path)) for path in batch]


def _view(catalog: Access, settings: Settings, path: str) -> View | str | None:
    try:
        component = read(catalog, path)
        return None if component is None else view(catalog, settings, component)
    except ComponentError as error:
        return str(error)
