"""A component as the catalog has it now: its AVUs and the inherited ones, its source, its ready OVA, its facts.

Reading only; `rules.build` is what changes anything. Two queries for the usual component, one more per reference.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rules import names
from rules.catalog import GOOD, STALE, Avu, Catalog, Replica
from rules.errors import ComponentError
from rules.fingerprint import file_identity, fingerprint, source_state
from rules.references import References
from rules.seals import Seals, same, seals_of
from rules.settings import Settings

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Component:
    """A collection that has `ova_url`. levels: AVUs that may set properties, its own first, then its parent's …

    notes: who set AVUs, for the collection and all above it.
    """

    path: str
    id: str
    urls: tuple[Avu, ...]
    levels: tuple[tuple[Avu, ...], ...]
    facts: tuple[Avu, ...]
    unknown_controls: tuple[Avu, ...]
    notes: tuple[Avu, ...]

    @property
    def ready_path(self) -> str:
        """Where its ready OVA lies."""
        return names.ready_path(self.path)

    def fact(self, attribute: str) -> Avu | None:
        """The one fact of this attribute, or None."""
        found = [avu for avu in self.facts if avu.attribute == attribute]
        return found[0] if len(found) == 1 else None

    @property
    def contributors(self) -> frozenset[str]:
        """The collections above it whose AVUs it inherits."""
        return frozenset(avu.collection for level in self.levels[1:] for avu in level)


@dataclass(frozen=True)
class Source:
    """The OVA that `ova_url` names: its object, the replica on this server, and the hash of its version."""

    path: str
    replica: Replica
    state: str


def lineage(path: str) -> list[str]:
    """A collection and all above it, nearest first, without the root."""
    chain = []
    while path not in ("", "/"):
        chain.append(path)
        path = posixpath.dirname(path)
    return chain


def read(catalog: Catalog, path: str) -> Component | None:
    """The component at `path`, or None if the client sees no `ova_url` there."""
    found = read_any(catalog, path)
    return found if found is not None and found.urls else None


def read_any(catalog: Catalog, path: str) -> Component | None:
    """What would be the component at `path` if it had `ova_url`; None if the client sees no AVU there at all."""
    levels = read_levels(catalog, path)
    if not levels or not levels[0]:
        return None
    own = levels[0]
    urls = tuple(avu for avu in own if avu.attribute == names.URL)
    return Component(
        path,
        catalog.collection_id(path),
        urls,
        tuple(tuple(avu for avu in level if names.is_value(avu.attribute)) for level in levels),
        tuple(avu for avu in own if names.is_fact(avu.attribute)),
        tuple(a for a in own if a.attribute.startswith(names.CONTROL_PREFIX) and a.attribute != names.URL),
        tuple(avu for level in levels for avu in level if avu.attribute == names.SET_BY),
    )


def read_levels(catalog: Catalog, path: str) -> list[list[Avu]]:
    """All AVUs of a collection and of those above it, nearest first."""
    chain = lineage(path)
    found: dict[str, list[Avu]] = {name: [] for name in chain}
    for avu in catalog.avus(chain):
        found[avu.collection].append(avu)
    return list(found.values())


@dataclass(frozen=True)
class Expansion:
    """An AVU with its references replaced. named: the collections it names; reached: all that values came from."""

    avu: Avu
    trouble: ComponentError | None
    named: frozenset[str]
    reached: frozenset[str]


def expansions(catalog: Catalog, settings: Settings, component: Component) -> dict[Avu, Expansion]:
    """Every AVU that may set a property, expanded; each collection is read once, so that all see one state."""
    cache: dict[str, list[list[Avu]]] = {}

    def look_up(path: str) -> Sequence[Sequence[Avu]]:
        if path not in cache:
            levels = read_levels(catalog, path)
            cache[path] = [[avu for avu in level if names.is_value(avu.attribute)] for level in levels]
        return cache[path]

    result = {}
    for level in component.levels:
        for avu in level:
            references, trouble, expanded = References(look_up, settings.aliases), None, avu
            try:
                expanded = references.expand(component.path, avu)
            except ComponentError as error:
                trouble = error  # said when a property takes the AVU; until then it stays as it is
            result[avu] = Expansion(expanded, trouble, frozenset(references.named), frozenset(references.visited))
    return result


def unseen(catalog: Catalog, component: Component, reached: frozenset[str]) -> list[str]:
    """The collections that this client may not see, of those whose AVUs count: it cannot judge the OVA.

    These are the collections above that contributed to the last build, and what references reach now.
    """
    above = {avu.value for avu in component.facts if avu.attribute == names.INHERITED} & set(lineage(component.path))
    asked = sorted((above - component.contributors) | reached)
    return sorted(set(asked) - catalog.visible(asked))


def find_source(catalog: Catalog, settings: Settings, component: Component) -> Source:
    """The source of a component, readable by the client and on this server.

    Raises ComponentError in the words of the component's owner.
    """
    if len(component.urls) > 1:
        values = " and ".join(sorted(avu.value for avu in component.urls))
        raise ComponentError(f"AVU ova_url of {component.path} has several values: {values}; keep one")
    url = component.urls[0].value
    label = f"AVU ova_url of {component.path}: {url}"
    if "://" in url:
        raise ComponentError(f"{label}: only iRODS paths are served; put the OVA into iRODS and name its path")
    path = posixpath.normpath(posixpath.join(component.path, url))
    if not names.looks_like_package(path):
        raise ComponentError(f"{label}: a source is a data object whose name ends in .ova")
    made_from = names.component_of(path)
    if made_from and catalog.is_component(made_from):
        raise ComponentError(f"{label}: is itself made by the server; name the source of {made_from}")
    replicas = catalog.replicas(path)
    if not replicas or not catalog.may_read(path):
        raise ComponentError(
            f"{label}: does not exist, or {catalog.user} may not read it and its collection", lasting=False
        )
    good = [replica for replica in replicas if replica.good]
    if not good:
        raise ComponentError(f"{label}: is being written or has no good replica", lasting=False)
    for replica in good:
        file = stat_of(replica, settings)
        if file is not None and file.st_size == replica.size:
            return Source(path, replica, source_state(replica, file))
    raise ComponentError(f"{label}: has no replica in a vault of this server (found: {good[0].host})", lasting=False)


def stat_of(replica: Replica, settings: Settings) -> os.stat_result | None:
    """The vault file of a replica, or None if it is on another server or not there."""
    if not _is_here(replica.host, settings.local_hosts):
        return None
    try:
        return Path(replica.vault_path).stat()
    except OSError:
        return None


def _is_here(host: str, also: Sequence[str]) -> bool:
    """Whether a resource's host is this server. A name without a domain stands for any of its domains."""
    here = os.uname().nodename
    if host in (here, *_LOOPBACK, *also):
        return True
    return ("." not in host or "." not in here) and host.partition(".")[0] == here.partition(".")[0]


@dataclass(frozen=True)
class LastBuild:
    """The last build as the server sealed it: what the ready OVA was made from, and which file it is."""

    fingerprint: str
    version: str
    source_path: str
    source_state: str
    source_file: str
    source_vault_path: str
    verified: str


def last_build(component: Component, seals: Seals) -> LastBuild | None:
    """The facts about the last build; None if there are none or they are not the server's."""
    kept, source, verified = (component.fact(name) for name in (names.FINGERPRINT, names.SOURCE, names.VERIFIED))
    if kept is None or source is None or verified is None:
        return None
    version, _, seal = kept.units.partition(" ")
    if not same(seal, seals.of_build(component.id, kept.value, version, source, verified.value)):
        return None
    state, _, rest = source.units.partition(" ")
    file, _, vault_path = rest.partition(" ")
    return LastBuild(kept.value, version, source.value, state, file, vault_path, verified.value)


def recorded_source(component: Component, last: LastBuild | None) -> str | None:
    """The source's state as the last build noted it, if its file is still the same one; else None.

    For readers who may have the ready OVA but not its source: they learn that nothing changed, and nothing more.
    """
    if last is None or len(component.urls) != 1:
        return None
    if last.source_path != posixpath.normpath(posixpath.join(component.path, component.urls[0].value)):
        return None
    try:
        return last.source_state if file_identity(Path(last.source_vault_path).stat()) == last.source_file else None
    except OSError:
        return None


@dataclass(frozen=True)
class Inputs:
    """What a component should be made from now."""

    source: Source | None  # None: this client may not read it; then nothing can be built
    state: str | None  # of the source; None: unknown to this client
    trouble: ComponentError | None  # why there is no source
    expansions: dict[Avu, Expansion]
    fingerprint: str
    last: LastBuild | None

    @property
    def depends(self) -> frozenset[str]:
        """The collections that references take values from."""
        return frozenset().union(*(each.reached for each in self.expansions.values()))

    @property
    def named(self) -> frozenset[str]:
        """The collections that the AVUs themselves name."""
        return frozenset().union(*(each.named for each in self.expansions.values()))


@dataclass(frozen=True)
class View:
    """A component, what it should be made from now, and whether its ready OVA is that already."""

    component: Component
    inputs: Inputs
    ready: tuple[Replica, ...]
    fresh: bool


def inputs(catalog: Catalog, settings: Settings, component: Component) -> Inputs:
    """Finds the source, expands the references and computes the fingerprint. Raises nothing of its own."""
    source, trouble = None, None
    last = last_build(component, seals_of(settings))
    try:
        source = find_source(catalog, settings, component)
        state: str | None = source.state
    except ComponentError as error:
        trouble, state = error, recorded_source(component, last)
    expanded = expansions(catalog, settings, component)
    levels = [[expanded[avu].avu for avu in level] for level in component.levels]
    return Inputs(source, state, trouble, expanded, fingerprint(levels, state or "", settings.digest), last)


def view(catalog: Catalog, settings: Settings, component: Component) -> View:
    """Compares the fingerprint of now with the ready OVA. Raises nothing of its own."""
    now = inputs(catalog, settings, component)
    ready = tuple(catalog.replicas(component.ready_path))
    fresh = (
        now.state is not None
        and now.last is not None
        and now.last.fingerprint == now.fingerprint
        and version_of(ready, settings) == now.last.version
    )
    return View(component, now, ready, fresh)


def version_of(replicas: Sequence[Replica], settings: Settings) -> str | None:
    """Which version of a data object its good replicas hold; changes with every publication, write and replication.

    None while one is being written, and where none is good here. Stale replicas do not count.
    """
    if any(replica.status not in (GOOD, STALE) for replica in replicas):
        return None
    parts, here = [], False
    for replica in sorted(replicas, key=lambda replica: int(replica.number)):
        if replica.good:
            file = stat_of(replica, settings)
            here = here or file is not None
            parts.append(f"{replica.number}:{file_identity(file) if file else replica.modified}")
    return "+".join(parts) if here else None
