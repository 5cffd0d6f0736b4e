"""Builds all that a change reaches: the first components now, the rest in a job. One's fault stops no other."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from ova_rules import jobs, names
from ova_rules.build.build import Outcome, build, queue
from ova_rules.catalog.writes import Catalog
from ova_rules.component.model import Component, read
from ova_rules.component.pointers import pointing
from ova_rules.errors import ComponentError
from ova_rules.settings import Settings

# How long one event waits, in all, for builds of other agents before it leaves the rest to the delay queue.
PATIENCE_SECONDS = 5.0


def build_all(catalog: Catalog, settings: Settings, components: Iterable[str], *causes: str) -> list[Outcome]:
    """Builds each component once: the first ones now, the rest in one job for each cause. What came of the first ones.

    causes: the collections or sources that changed; a job finds out anew what its one reaches. Components of which the
    client may not even change the AVUs are left to those who may: a read finds them out of date.
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
    """Builds a component, or leaves it to a job if another agent is at it for longer than `wait` seconds (None)."""
    try:
        return build(catalog, settings, path, may_queue=True, wait=wait, upstream=upstream)
    except ComponentError:
        # Another one builds it and may have read the AVUs before this event, or it changes faster than it is built.
        component = readable(catalog, path)
        if component is not None:
            queue(catalog, settings, component)
    except Exception as error:
        from ova_rules.faults import report

        report(catalog.log, path, error)
    return None


def readable(catalog: Catalog, path: str) -> Component | None:
    """The component at `path`; None also if there are AVUs that nobody can read, of which the journal then tells."""
    try:
        return read(catalog, path)
    except ComponentError as error:
        catalog.journal("component", component=path, done=f"failed: {error}")
        return None


def follow(catalog: Catalog, settings: Settings, path: str) -> None:
    """The ready OVA of a component was built outside of an event: a job builds what depends on it."""
    if pointing(catalog, (names.DEPENDS,), [path]):
        jobs.queue(catalog, settings, jobs.CHANGE, path, running=True)


@contextmanager
def others_go_on(catalog: Catalog, collection: str) -> Iterator[None]:
    """What goes wrong with one collection goes to the log (AVUs that no server can read, say); others are built."""
    try:
        yield
    except Exception as error:
        from ova_rules.faults import report

        report(catalog.log, f"AVUs of {collection}", error)
