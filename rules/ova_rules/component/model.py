"""A component as the catalog has it now: its AVUs and the inherited ones, its source, its ready OVA, its facts.

Reading only; builds are what changes anything. Two queries for the usual component, one more per reference.
"""

from __future__ import annotations

from collections.abc import Sequence

from ova_rules import names
from ova_rules.catalog.writes import Avu, Catalog, Replica
from ova_rules.component.fingerprint import fingerprint
from ova_rules.component.inheritance import Lineage, lineage
from ova_rules.component.references import References
from ova_rules.component.source import Source, find_source, path_named, the_url, version_of
from ova_rules.errors import BehindError, ComponentError
from ova_rules.record.last_build import LastBuild, last_build, recorded_state
from ova_rules.record.signing import seals_of
from ova_rules.settings import Settings
from ova_rules.state import is_marked
from ova_tools.records import dataclass


@dataclass(frozen=True)
class Component:
    """A collection that has `ova_url`. levels: AVUs that may set properties, its own first, then its parent's …

    An AVU that a nearer one of the same attribute and units hides is left out. alike: its path, and those of the
    components in whose place it stands (`ova_like`). likes: those AVUs, each with the collections it adds. notes: who
    set AVUs, for all collections that count. trouble: why its `ova_like` cannot be followed.
    """

    path: str
    id: str
    urls: tuple[Avu, ...]
    levels: tuple[tuple[Avu, ...], ...]
    facts: tuple[Avu, ...]
    unknown_controls: tuple[Avu, ...]
    notes: tuple[Avu, ...]
    alike: tuple[str, ...] = ()
    likes: tuple[tuple[Avu, frozenset[str]], ...] = ()
    chain: tuple[str, ...] = ()
    trouble: ComponentError | None = None

    @property
    def ready_path(self) -> str:
        """Where its ready OVA lies."""
        return names.ready_path(self.path)

    def fact(self, attribute: str) -> Avu | None:
        """The one fact of this attribute, or None."""
        found = [avu for avu in self.facts if avu.attribute == attribute]
        return found[0] if len(found) == 1 else None

    @property
    def own_values(self) -> tuple[Avu, ...]:
        """Its own AVUs that may set properties."""
        return tuple(avu for level in self.levels[:1] for avu in level)

    @property
    def contributors(self) -> frozenset[str]:
        """The other collections whose AVUs it takes, and those that say so."""
        taken = {avu.collection for level in self.levels for avu in level} | {like.collection for like, _ in self.likes}
        return frozenset(taken) - {self.path}


def read(catalog: Catalog, path: str) -> Component | None:
    """The component at `path`, or None if the client sees no `ova_url` there (or it lies in the trash)."""
    found = None if names.in_trash(path) else read_any(catalog, path)
    return found if found is not None and found.urls else None


def read_any(catalog: Catalog, path: str) -> Component | None:
    """What would be the component at `path` if it had `ova_url`; None if the client sees no AVU there at all."""
    found = lineage(catalog, path)
    own = found.levels.get(path)
    if not own:
        return None
    return Component(
        path,
        catalog.collection_id(path),
        tuple(avu for avu in own if avu.attribute == names.URL),
        _effective(found),
        tuple(avu for avu in own if names.is_fact(avu.attribute)),
        tuple(avu for avu in own if names.is_unknown_control(avu.attribute)),
        tuple(avu for level in found.levels.values() for avu in level if avu.attribute == names.SET_BY),
        tuple(found.alike),
        tuple((avu, frozenset(added)) for avu, added in found.likes.items()),
        tuple(found.levels),
        found.trouble,
    )


def _effective(found: Lineage) -> tuple[tuple[Avu, ...], ...]:
    """The AVUs that may set properties, without those that a nearer one hides."""
    result, hidden = [], set[tuple[str, str]]()
    for avus in found.levels.values():
        level = [a for a in avus if names.is_value(a.attribute) and (a.attribute, a.units) not in hidden]
        hidden.update((avu.attribute, avu.units) for avu in level)
        result.append(tuple(level))
    return tuple(result)


@dataclass(frozen=True)
class Expansion:
    """An AVU with its references replaced. named: the collections it names; reached: all that values came from."""

    avu: Avu
    trouble: ComponentError | None
    named: frozenset[str]
    reached: frozenset[str]


def expansions(catalog: Catalog, settings: Settings, component: Component) -> dict[Avu, Expansion]:
    """Every AVU that may hold references, expanded; each collection is read once, so that all see one state."""
    cache: dict[str, list[list[Avu]]] = {}

    def look_up(path: str) -> Sequence[Sequence[Avu]]:
        if path not in cache:
            found = lineage(catalog, path)
            if found.trouble is not None:
                raise found.trouble
            own_urls = [avu for avu in found.levels.get(path, ()) if avu.attribute == names.URL]
            cache[path] = [list(level) for level in _effective(found)] or [[]]
            cache[path][0][:0] = own_urls
        return cache[path]

    result = {}
    for avu in [*component.urls, *(avu for level in component.levels for avu in level)]:
        references, trouble, expanded = References(look_up, settings.aliases), None, avu
        try:
            expanded = references.expand(component.path, avu)
        except ComponentError as error:
            trouble = error  # said when a property takes the AVU; until then it stays as it is
        result[avu] = Expansion(expanded, trouble, frozenset(references.named), frozenset(references.visited))
    return result


def unseen(catalog: Catalog, component: Component, reached: frozenset[str]) -> list[str]:
    """The collections that this client may not see, of those whose AVUs count: it cannot judge the OVA.

    These are the collections that contributed to the last build and still could, and what references reach now.
    """
    counted = {avu.value for avu in component.facts if avu.attribute == names.INHERITED} & set(component.chain)
    asked = sorted((counted - component.contributors) | reached)
    return sorted(set(asked) - catalog.visible(asked))


@dataclass(frozen=True)
class Inputs:
    """What a component should be made from now."""

    source: Source | None  # None: there is none that this client may use; then nothing can be built
    state: str | None  # of the source; None: unknown to this client
    trouble: ComponentError | None  # why there is no source
    expansions: dict[Avu, Expansion]
    fingerprint: str
    last: LastBuild | None
    upstream: str | None  # the component whose ready OVA is the source
    ready: tuple[Replica, ...]  # those of the ready OVA now

    @property
    def depends(self) -> frozenset[str]:
        """The collections that references take values from, and the component that makes the source."""
        return frozenset().union(*(each.reached for each in self.expansions.values()), self._upstream)

    @property
    def resolved(self) -> frozenset[str]:
        """The collections that references do take values from; one that fails is said when a property takes its AVU."""
        found = (each.reached for each in self.expansions.values() if each.trouble is None)
        return frozenset().union(*found, self._upstream)

    @property
    def named(self) -> frozenset[str]:
        """The collections that the AVUs themselves name."""
        return frozenset().union(*(each.named for each in self.expansions.values()), self._upstream)

    @property
    def _upstream(self) -> set[str]:
        return {self.upstream} if self.upstream else set()


@dataclass(frozen=True)
class View:
    """A component, what it should be made from now, and whether its ready OVA is that already."""

    component: Component
    inputs: Inputs
    fresh: bool

    @property
    def ready(self) -> tuple[Replica, ...]:
        """The replicas of its ready OVA."""
        return self.inputs.ready


def what_is_unseen(component: Component, now: Inputs, hidden: Sequence[str], user: str) -> ComponentError:
    """The words for collections that a user may not see (or that are not there), with the AVU that names them."""
    for expansion in now.expansions.values():
        if expansion.trouble is not None and expansion.reached & set(hidden):
            return ComponentError(str(expansion.trouble), lasting=False)
    text = f"{user} may not read the AVUs of {', '.join(hidden)}, or they are not there; {component.path} takes values"
    return ComponentError(f"{text} from them", lasting=False)


def inputs(catalog: Catalog, settings: Settings, component: Component, trail: tuple[str, ...] = ()) -> Inputs:
    """Finds the source, expands the references and computes the fingerprint. Raises nothing of its own.

    trail: the components whose source this one's ready OVA is, directly or over others.
    """
    last = last_build(component, seals_of(settings))
    expanded = expansions(catalog, settings, component)
    source, state, trouble, upstream = None, None, component.trouble, None
    url, path = "", None
    if trouble is None:
        try:
            expansion = expanded[the_url(component.path, component.urls)]
            if expansion.trouble is not None:
                raise expansion.trouble
            url = expansion.avu.value
            path = path_named(catalog, settings, component.path, url)
            upstream = _maker(catalog, settings, path)
            if upstream is not None:
                _require_fresh(catalog, settings, component, upstream, trail)
        except ComponentError as error:
            trouble = error
    if path is None or trouble is not None:
        ready = catalog.replicas(component.ready_path)
    else:
        objects = catalog.replicas_and_access([component.ready_path, path])
        ready = objects[component.ready_path]
        state = recorded_state(last, path)
        try:
            source = find_source(catalog, settings, component.path, url, path, objects[path])
            state = source.state
        except ComponentError as error:
            trouble = error
    levels = [[expanded[avu].avu for avu in level] for level in component.levels]
    now = fingerprint(levels, state or "", settings.digest)
    return Inputs(source, state, trouble, expanded, now, last, upstream, tuple(ready))


def _maker(catalog: Catalog, settings: Settings, path: str) -> str | None:
    """The component whose ready OVA a source is, or None."""
    collection = names.component_of(path)
    if collection is None or not (is_marked(settings.state_directory, path) or catalog.is_component(collection)):
        return None
    return collection


def _require_fresh(
    catalog: Catalog, settings: Settings, component: Component, upstream: str, trail: tuple[str, ...]
) -> None:
    """Raises ComponentError, or BehindError, unless the ready OVA of `upstream` is what it should be now."""
    label = f"AVU ova_url of {component.path}"
    trail = (*trail, component.path)
    if upstream == component.path:
        raise ComponentError(f"{label}: a component cannot be its own source")
    if upstream in trail:
        circle = " -> ".join([*trail[trail.index(upstream) :], upstream])
        raise ComponentError(f"{label}: the sources go in a circle: {circle}")
    other = read(catalog, upstream)
    if other is None:
        if catalog.visible([upstream]):
            return  # it was a component; what is left is an ordinary object
        raise ComponentError(f"{label}: {catalog.user} may not read the AVUs of {upstream}", lasting=False)
    seen = view(catalog, settings, other, trail)
    if isinstance(seen.inputs.trouble, ComponentError) and seen.inputs.trouble.lasting:
        raise ComponentError(f"{label}: {upstream}: {seen.inputs.trouble}", lasting=False)
    if not seen.fresh:
        message = other.fact(names.MESSAGE)
        raise BehindError(f"{label}: {upstream} is out of date" + (f": {message.value}" if message else ""), upstream)


def view(catalog: Catalog, settings: Settings, component: Component, trail: tuple[str, ...] = ()) -> View:
    """Compares the fingerprint of now with the ready OVA. Raises nothing of its own."""
    now = inputs(catalog, settings, component, trail)
    fresh = (
        now.state is not None
        and now.last is not None
        and now.last.fingerprint == now.fingerprint
        and version_of(now.ready, settings) == now.last.version
    )
    return View(component, now, fresh)
