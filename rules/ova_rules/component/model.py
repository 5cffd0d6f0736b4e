"""A component as the catalog has it now: its AVUs and the inherited ones, and what its references stand for.

Reading only. One query for the usual component, one more for each collection that a reference names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ova_rules import names
from ova_rules.catalog.access import Access
from ova_rules.catalog.types import Avu, Replica
from ova_rules.component.controls import NO_FORMS, Forms, forms_in, ignored, nearest
from ova_rules.component.inheritance import Lineage, lineage
from ova_rules.component.pointers import pointed_at
from ova_rules.component.source import Source
from ova_rules.component.tree import above
from ova_rules.errors import ComponentError
from ova_rules.settings import Settings
from ova_tools.records import dataclass, field, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ova_rules.component.tasks import Task


@dataclass(frozen=True)
class Component:
    """A collection that has `ova_url`. levels: AVUs that may set properties, its own first, then its parent's …

    An AVU is left out if a nearer one with the same attribute and units hides it. prototypes: the components it stands
    for (`ova_like`). likes: the `ova_like` AVUs, each with the collections it adds. notes: who set AVUs, for all
    collections that count. chain: all collections whose AVUs may count, in the order of `levels`. options, default,
    forms: the `ova_options`, `ova_configuration`, and `ova_forms` with `ova_networks`, in effect. error: why its
    `ova_like` cannot be followed.
    """

    path: str
    id: str
    urls: tuple[Avu, ...]
    levels: tuple[tuple[Avu, ...], ...]
    facts: tuple[Avu, ...]
    unknown_controls: tuple[Avu, ...]
    notes: tuple[Avu, ...]
    prototypes: tuple[str, ...] = ()
    likes: tuple[tuple[Avu, frozenset[str]], ...] = ()
    chain: tuple[str, ...] = ()
    options: tuple[Avu, ...] = ()
    default: tuple[Avu, ...] = ()
    forms: tuple[Avu, ...] = ()
    error: ComponentError | None = None

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
        """The other collections whose AVUs it takes, and those whose AVUs make it do so."""
        taken = {avu.collection for level in self.levels for avu in level} | {like.collection for like, _ in self.likes}
        return frozenset(taken.union(avu.collection for avu in (*self.options, *self.default, *self.forms))) - {
            self.path
        }


def read(catalog: Access, path: str) -> Component | None:
    """The component at `path`, or None if the client sees no `ova_url` there (or it lies in the trash)."""
    found = None if names.in_trash(path) else read_any(catalog, path)
    return found if found is not None and found.urls else None


def read_any(catalog: Access, path: str) -> Component | None:
    """The component that `path` would be if it had `ova_url`; None if the client sees no AVU there at all."""
    found = lineage(catalog, path)
    own = found.levels.get(path)
    if not own:
        return None
    return Component(
        path,
        catalog.collection_id(path),
        tuple(avu for avu in own if avu.attribute == names.URL),
        effective(found),
        tuple(avu for avu in own if names.is_fact(avu.attribute)),
        tuple(avu for avu in own if names.is_unknown_control(avu.attribute)),
        tuple(avu for level in found.levels.values() for avu in level if avu.attribute == names.SET_BY),
        tuple(found.prototypes),
        tuple((avu, frozenset(added)) for avu, added in found.likes.items()),
        tuple(found.levels),
        nearest(found.levels, names.OPTIONS),
        nearest(found.levels, names.CONFIGURATION),
        forms_in(found.levels),
        found.error,
    )


def effective(found: Lineage) -> tuple[tuple[Avu, ...], ...]:
    """The AVUs that may set properties, without those that a nearer AVU hides or a nearer collection ignores."""
    result, hidden, passed_over = [], set[tuple[str, str]](), set[str]()
    for avus in found.levels.values():
        level = [
            avu
            for avu in avus
            if names.is_value(avu.attribute)
            and (avu.attribute, avu.units) not in hidden
            and avu.attribute not in passed_over
        ]
        hidden.update((avu.attribute, avu.units) for avu in level)
        passed_over |= ignored(avus)
        result.append(tuple(level))
    return tuple(result)


@dataclass(frozen=True)
class Expansion:
    """An AVU with its references replaced. named: the collections it names; reached: all that gave it values.

    texts: the data objects whose texts it takes.
    """

    avu: Avu
    error: ComponentError | None
    named: frozenset[str]
    reached: frozenset[str]
    texts: frozenset[str] = frozenset()


def expansions(catalog: Access, settings: Settings, component: Component) -> dict[Avu, Expansion]:
    """Every AVU that may hold references, expanded. Each collection is read once, so that all AVUs see one state."""
    cache: dict[str, list[list[Avu]]] = {}

    def look_up(path: str) -> Sequence[Sequence[Avu]]:
        if path not in cache:
            found = lineage(catalog, path)
            if found.error is not None:
                raise found.error
            own_urls = [avu for avu in found.levels.get(path, ()) if avu.attribute == names.URL]
            cache[path] = [list(level) for level in effective(found)] or [[]]
            cache[path][0][:0] = own_urls
        return cache[path]

    result = {}
    references = None
    for avu in [*component.urls, *(avu for level in component.levels for avu in level)]:
        if "${" not in avu.value:
            result[avu] = Expansion(avu, None, frozenset(), frozenset())
            continue
        from ova_rules.component.references import References, UnresolvedError

        if references is None:
            from functools import partial

            from ova_rules.component.texts import read_text

            references = References(look_up, settings.aliases, partial(read_text, catalog, settings))
        try:
            found = references.expand(component.path, avu)
            expanded = replace(avu, value=found.value)
            result[avu] = Expansion(expanded, None, found.named, found.visited, found.texts)
        except UnresolvedError as error:  # reported when a property takes the AVU; until then it stays as it is
            result[avu] = Expansion(avu, error, error.named, error.visited)
    return result


@dataclass(frozen=True)
class Inputs:
    """What a component should be made from now.

    source: None if there is none that this client may use; then `error` gives the reason and nothing can be built.
    state: the source's version; None if this client does not know it. upstream: the component whose ready OVA is the
    source. ready: the replicas of the component's own ready OVA. forms: the other files to make; tasks: those on its
    seed; made: the replicas of the existing forms, by name.
    """

    component: Component
    source: Source | None
    state: str | None
    error: ComponentError | None
    expansions: dict[Avu, Expansion]
    fingerprint: str
    upstream: str | None
    ready: tuple[Replica, ...]
    forms: Forms = NO_FORMS
    tasks: tuple[Task, ...] = ()
    made: Mapping[str, tuple[Replica, ...]] = field(default_factory=dict)

    @property
    def depends(self) -> frozenset[str]:
        """The collections that references take values from, and the component that makes the source."""
        return frozenset().union(*(each.reached for each in self.expansions.values()), self._upstream)

    @property
    def resolved(self) -> frozenset[str]:
        """The collections that resolved references take values from. Others fail when a property takes their AVU."""
        found = (each.reached for each in self.expansions.values() if each.error is None)
        return frozenset().union(*found, self._upstream)

    @property
    def named(self) -> frozenset[str]:
        """The collections that the AVUs themselves name."""
        return frozenset().union(*(each.named for each in self.expansions.values()), self._upstream)

    @property
    def holds(self) -> list[str]:
        """The other collections whose values are in what is made of the component; sorted."""
        return sorted(self.component.contributors | self.depends)

    @property
    def public(self) -> frozenset[str]:
        """The collections known to all readers of the component's own AVUs: named by these, or above the component."""
        own = (each.named for avu, each in self.expansions.items() if avu.collection == self.component.path)
        likes = {like.value for like, _ in self.component.likes if like.collection == self.component.path}
        return frozenset(above(self.component.path)).union(likes, *own)

    @property
    def _upstream(self) -> set[str]:
        return {self.upstream} if self.upstream else set()


def unseen(catalog: Access, component: Component, reached: frozenset[str]) -> list[str]:
    """The collections whose AVUs count and that this client may not see: with any, it cannot judge the OVA.

    Considered are the collections that contributed to the last build and still could, and those that references reach
    now.
    """
    inherited = [avu.value for avu in component.facts if avu.attribute == names.INHERITED]
    counted = pointed_at(inherited, component.chain)
    asked = sorted((counted - component.contributors) | reached)
    return sorted(set(asked) - catalog.visible(asked))


def unseen_error(now: Inputs, hidden: Sequence[str], user: str) -> ComponentError:
    """The error for collections that a user may not see (or that do not exist), with the AVU that names them."""
    for expansion in now.expansions.values():
        if expansion.error is not None and expansion.reached & set(hidden):
            return ComponentError(str(expansion.error), lasting=False)
    named = [path for path in hidden if path in now.public]
    places = ", ".join(named) or "other collections"
    text = f"{user} may not read the AVUs of {places}, or they are not there; "
    return ComponentError(f"{text}{now.component.path} takes values from them", lasting=False)
