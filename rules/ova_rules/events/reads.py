"""The gate: nobody is handed a ready OVA that does not match its metadata.

Before a get, an open for reading or a copy of `…/NAME/NAME.ova` the fingerprint is computed anew. Stale: build it if
that is cheap and allowed, else wait for the queued job, else refuse in one line.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from ova_rules import names
from ova_rules.build.build import State, build
from ova_rules.catalog.writes import Catalog, Replica
from ova_rules.component.model import Component, View, read, unseen, view, what_is_unseen
from ova_rules.errors import BehindError, ComponentError, one_line
from ova_rules.events.events import follow
from ova_rules.locks import is_held
from ova_rules.record.signing import same, seals_of
from ova_rules.settings import Settings
from ova_rules.state import is_marked

_POLL_SECONDS = 0.05
# How long a reader who may not build waits for a builder that has not even begun.
_PATIENCE_SECONDS = 2.0


def reason_against_reading(catalog: Catalog, settings: Settings, path: str, keywords: Mapping[str, str]) -> str | None:
    """Why the ready OVA at `path` must not be read now, in one line; None if it may, or is no ready OVA.

    keywords: those of the client's request; they may name a replica, or one more connection of a parallel download.
    """
    collection = names.component_of(path)
    if collection is None:
        return None
    component = read(catalog, collection)
    if component is None:
        return _hidden_component(catalog, settings, collection, path)
    seen = view(catalog, settings, component)
    if "dataSize" in keywords and keywords.get("resc_hier"):
        return _mixed_versions(seen, path, keywords["dataSize"])
    reason = None if seen.fresh else _make_fresh(catalog, settings, component, seen, path)
    return reason or _stale_replica(seen.ready, path, keywords)


def _hidden_component(catalog: Catalog, settings: Settings, collection: str, path: str) -> str | None:
    """No AVUs to be seen: a collection that is no component, or one whose AVUs this client may not read."""
    if not is_marked(settings.state_directory, path) or catalog.visible([collection]):
        return None
    return one_line(f"{path}: {catalog.user} may not read the AVUs of {collection} that it is made from")


def _mixed_versions(seen: View, path: str, size: str) -> str | None:
    """One more connection must read what the first one reads. Its client says which size it counts on.

    `ova_rules.build.build` sees to it that versions that differ behind the first connection's part differ in size.
    """
    if seen.fresh and all(str(replica.size) == size for replica in seen.ready if replica.good):
        return None
    return one_line(f"{path} was rebuilt while this download ran; get it again")


def _stale_replica(replicas: tuple[Replica, ...], path: str, keywords: Mapping[str, str]) -> str | None:
    """Why the replica that the client asks for must not be read; the server picks a good one if it asks for none."""
    asked = {keywords.get(name, "") for name in ("replNum", "rescName", "resc_hier")} - {""}
    for replica in replicas:
        names_of = {replica.number, replica.resource, replica.hierarchy, replica.hierarchy.rpartition(";")[2]}
        if asked & names_of and not replica.good:
            return one_line(f"{path}: replica {replica.number} is out of date; get it without naming a replica")
    return None


def _make_fresh(catalog: Catalog, settings: Settings, component: Component, seen: View, path: str) -> str | None:
    if _has_failed(settings, component, seen):
        return _words(component, path)
    hidden = unseen(catalog, component, seen.inputs.depends)
    if hidden:
        return one_line(f"{path}: {what_is_unseen(component, seen.inputs, hidden, catalog.user)}")
    may_help = seen.inputs.source is not None or isinstance(seen.inputs.trouble, BehindError)
    if may_help and catalog.may_write(component.path):
        try:
            state = build(catalog, settings, component.path, may_queue=True, wait=settings.gate_wait)
        except ComponentError as error:
            return one_line(str(error))
        if state in (State.BUILT, State.UNCHANGED, State.NOT_A_COMPONENT):
            if state is State.BUILT:
                follow(catalog, component.path)
            return None  # it matched after the read was asked for, which is all a reader can know
    return _wait(catalog, settings, path)


def _has_failed(settings: Settings, component: Component, seen: View) -> bool:
    """Whether a build from the very same inputs has failed for good."""
    message = component.fact(names.MESSAGE)
    return message is not None and same(
        message.units, seals_of(settings).of_failure(component.id, seen.inputs.fingerprint)
    )


def _wait(catalog: Catalog, settings: Settings, path: str) -> str | None:
    """Waits while another agent or a job builds; the reason against reading if it stays stale."""
    start = time.monotonic()
    while True:
        component = read(catalog, names.component_of(path) or "")
        if component is None:
            return None
        seen = view(catalog, settings, component)
        if seen.fresh:
            return None
        status = component.fact(names.STATUS)
        queued = status is not None and status.value in (names.QUEUED, names.BUILDING)
        if status is not None and not queued and not is_held(settings.state_directory, component.path):
            return _words(component, path)  # nobody is at it
        patience = settings.gate_wait if queued else min(settings.gate_wait, _PATIENCE_SECONDS)
        if _has_failed(settings, component, seen) or time.monotonic() - start >= patience:
            return _words(component, path)
        time.sleep(_POLL_SECONDS)


def _words(component: Component, path: str) -> str:
    message = component.fact(names.MESSAGE)
    if message is not None:
        return one_line(f"{path}: {message.value}")
    return one_line(f"{path} is out of date; one who may write in {component.path} has to read it or set an AVU again")
