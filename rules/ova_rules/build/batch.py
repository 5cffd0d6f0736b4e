"""Builds all that a change reaches: the first components now, the rest in a job. A fault in one stops no other."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from ova_rules import jobs, names
from ova_rules.build.build import build, queue
from ova_rules.build.make import Outcome
from ova_rules.catalog.writes import Catalog
from ova_rules.component.model import Component, read
from ova_rules.component.pointers import pointing
from ova_rules.errors import ComponentError
from ova_rules.settings import Settings

# How long one event waits, in all, for builds by other agents before it leaves the rest to the delay queue.
PATIENCE_SECONDS = 5.0


def build_all(catalog: Catalog, settings: Settings, components: Iterable[str], *causes: str) -> list[Outcome]:
    """Builds each component once: the first now, the rest in one job for each cause. Returns the results of the first.

    causes: the collections or sources that changed. Each job finds out again what its cause reaches. Components whose
    AVUs the client may not change are left to users who may: a read finds them out of date.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    reached = list(dict.fromkeys(components))
    possible = set(catalog.annotatable(path for path in reached if path not in causes)).union(causes)
    ordered = [path for path in reached if path in possible]
    first = ordered[: settings.inline_components]
    done = [build_one(catalog, settings, path, max(0.0, deadline - time.monotonic())) for path in first]
    if len(ordered) > settings.inline_components:
        for cause in causes:
            jobs.queue(catalog, settings, jobs.CHANGE, cause, running=True)
    return [outcome for outcome in done if outcome is not None]


def build_one(catalog: Catalog, settings: Settings, path: str, wait: float, *, upstream: bool = True) -> Outcome | None:
    """Builds a component. Leaves it to a job (None) if another agent builds it for more than `wait` seconds."""
    try:
        return build(catalog, settings, path, may_queue=True, wait=wait, upstream=upstream)
    except ComponentError:
        # Another agent builds it and may have read the AVUs before this event, or it changes faster than it can be
        # built.
        component = readable(catalog, path)
        if component is not None:
            queue(catalog, settings, component)
    except Exception as error:
        from ova_rules.faults import report

        report(catalog.log, path, error)
    return None


def readable(catalog: Catalog, path: str) -> Component | None:
    """The component at `path`. None also if some of its AVUs cannot be read; the journal then says so."""
    try:
        return read(catalog, path)
    except ComponentError as error:
        catalog.journal("component", component=path, done=f"failed: {error}")
        return None


def follow(catalog: Catalog, settings: Settings, path: str) -> None:
    """Queues a job that builds what depends on a component, after its ready OVA was built outside of an event."""
    if pointing(catalog, (names.DEPENDS,), [path]):
        jobs.queue(catalog, settings, jobs.CHANGE, path, running=True)


@contextmanager
def others_go_on(catalog: Catalog, collection: str) -> Iterator[None]:
    """Logs what goes wrong with one collection (such as AVUs that no server can read), so that the others are built."""
    try:
        yield
    except Exception as error:
        from ova_rules.faults import report

        report(catalog.log, f"AVUs of {collection}", error)
