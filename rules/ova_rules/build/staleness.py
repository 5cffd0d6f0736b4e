"""Which of many components are not what they should be, found with few queries: for the jobs of large grids.

Decides about hundreds at a time from one reading of the catalog. Reading only, and only a hint: a build reads anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ova_tools.records import dataclass
from ova_rules import names
from ova_rules.catalog.writes import Catalog
from ova_rules.component.model import View, read, view
from ova_rules.errors import ComponentError
from ova_rules.component.tree import above
from ova_rules.record.signing import same, seals_of
from ova_rules.settings import Settings

_AT_ONCE = 250  # components that are decided about together; their AVUs are in memory then


@dataclass(frozen=True)
class Stale:
    """A component whose ready OVA is not what it should be, and why that is believed, in one line."""

    path: str
    reason: str


def stale(catalog: Catalog, settings: Settings, components: Sequence[str]) -> Iterator[Stale]:
    """Those that have to be built, in the order given. What follows in the order sees what was built before it."""
    for start in range(0, len(components), _AT_ONCE):
        batch = components[start : start + _AT_ONCE]
        yield from [found for path, seen in _views(catalog, settings, batch) for found in _judged(settings, path, seen)]


def _judged(settings: Settings, path: str, seen: View | ComponentError | None) -> Iterator[Stale]:
    if isinstance(seen, ComponentError):
        yield Stale(path, str(seen))
    elif seen is not None:
        reason = why_stale(settings, seen)
        if reason is not None:
            yield Stale(path, reason)


def why_stale(settings: Settings, seen: View) -> str | None:
    """Why a component has to be built, in one line; None if it is right, or is known to fail."""
    component = seen.component
    status = component.fact(names.STATUS)
    if seen.fresh:
        return None if status is not None and status.value == names.READY else "its status is not that of its OVA"
    message = component.fact(names.MESSAGE)
    failure = seals_of(settings).of_failure(component.id, seen.inputs.fingerprint)
    if message is not None and same(message.units, failure):
        return None
    if seen.inputs.last is None:
        return "never built" if component.fact(names.FINGERPRINT) is None else "its facts are not the server's"
    if seen.inputs.last.fingerprint != seen.inputs.fingerprint:
        return "its AVUs or its source changed"
    return "its ready OVA is not the file that was built"


def _views(
    catalog: Catalog, settings: Settings, batch: Sequence[str]
) -> Iterator[tuple[str, View | ComponentError | None]]:
    collections = sorted({name for path in batch for name in above(path)})
    try:
        with catalog.prefetched(collections, [names.ready_path(path) for path in batch]):
            yield from [(path, _view(catalog, settings, path)) for path in batch]
    except ComponentError:  # one AVU that cannot be read spoils the reading of all: each for itself
        yield from [(path, _view(catalog, settings, path)) for path in batch]


def _view(catalog: Catalog, settings: Settings, path: str) -> View | ComponentError | None:
    try:
        component = read(catalog, path)
        return None if component is None else view(catalog, settings, component)
    except ComponentError as error:
        return error
