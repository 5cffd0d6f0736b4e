"""The gate: nobody is handed a ready OVA that does not match its metadata.

Before a get, an open for reading or a copy of `…/NAME/NAME.ova` the fingerprint is computed anew. Stale: build it if
that is cheap and allowed, else wait for the queued job, else refuse in one line.
"""

from __future__ import annotations

import time

from rules import names
from rules.build import State, build
from rules.catalog import Catalog
from rules.component import Component, View, read, unseen, view
from rules.errors import ComponentError, one_line
from rules.settings import Settings

_POLL_SECONDS = 0.05
# How long a reader who may not build waits for a builder that has not even begun.
_PATIENCE_SECONDS = 2.0


def reason_against_reading(catalog: Catalog, settings: Settings, path: str, expected: int | None = None) -> str | None:
    """Why the ready OVA at `path` must not be read now, in one line; None if it may, or is no ready OVA.

    expected: the size in bytes that one more connection of a parallel download counts on. All connections must read
    one version; `rules.build` sees to it that versions that differ behind the first connection's part differ in size.
    """
    component, seen = _look(catalog, settings, path)
    if component is not None and seen is not None and expected is not None:
        same = seen.fresh and all(replica.size == expected for replica in seen.ready)
        return None if same else one_line(f"{path} was rebuilt while this download ran; get it again")
    if component is None or seen is None or seen.fresh:
        return None
    hidden = unseen(catalog, component)
    if hidden:
        return one_line(f"{path}: {catalog.user} may not read the AVUs of {', '.join(hidden)} that it is made from")
    if _has_failed(component, seen):
        return _words(component, path)
    if seen.source is not None and catalog.may_write(component.path):
        try:
            state = build(catalog, settings, component.path, may_queue=True)
        except ComponentError as error:
            return one_line(str(error))
        if state in (State.READY, State.NOT_A_COMPONENT):
            return None  # it matched after the read was asked for, which is all a reader can know
    return _wait(catalog, settings, path)


def _look(catalog: Catalog, settings: Settings, path: str) -> tuple[Component | None, View | None]:
    collection = names.component_of(path)
    component = read(catalog, collection) if collection else None
    return component, view(catalog, settings, component) if component else None


def _has_failed(component: Component, seen: View) -> bool:
    """Whether a build from the very same inputs has failed for good."""
    message = component.fact(names.MESSAGE)
    return message is not None and message.units == seen.fingerprint


def _wait(catalog: Catalog, settings: Settings, path: str) -> str | None:
    """Waits while another agent or a job builds; the reason against reading if it stays stale."""
    start = time.monotonic()
    while True:
        component, seen = _look(catalog, settings, path)
        if component is None or seen is None or seen.fresh:
            return None
        status = component.fact(names.STATUS)
        queued = status is not None and status.value == State.QUEUED.value
        patience = settings.gate_wait if queued else min(settings.gate_wait, _PATIENCE_SECONDS)
        if _has_failed(component, seen) or time.monotonic() - start >= patience:
            return _words(component, path)
        time.sleep(_POLL_SECONDS)


def _words(component: Component, path: str) -> str:
    message = component.fact(names.MESSAGE)
    if message is not None:
        return one_line(f"{path}: {message.value}")
    return one_line(f"{path} is out of date; one who may write in {component.path} has to read it or set an AVU again")
