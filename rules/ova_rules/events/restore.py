"""`ova_restore`: brings a component back to one of its last states, or a whole grid to a time; notes what it leaves.

Restores the own AVUs of components, as AVUs that this client set; and a grid's AVUs, as far as its machines took them.
`ova::note` lists what is not restored: values that no history keeps (passwords), and those of other collections.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ova_rules import names
from ova_rules.build.staleness import view
from ova_rules.catalog.types import Avu, fact
from ova_rules.catalog.writes import Catalog
from ova_rules.component.model import Component, read_any
from ova_rules.component.tree import components_below
from ova_rules.errors import ComponentError, one_line
from ova_rules.record import authorship, history, remarks
from ova_rules.record.history import Entry
from ova_rules.record.signing import signer_of
from ova_rules.settings import Settings

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?Z?")
_NAMED = 10  # AVUs, or components, that a note names


def require_possible(catalog: Catalog, settings: Settings, path: str, value: str) -> None:
    """Raises ComponentError, in one line, if `ova_restore` of a collection cannot have this value."""
    component = read_any(catalog, path)
    if component is not None and _is_one(component):
        _entry(settings, component, value)
        return
    if not _MOMENT.fullmatch(value):
        raise ComponentError(
            f"{path} has no ova::history; a collection of components is brought back to a time, such as "
            "2026-01-31T12:00:00Z"
        )
    if not any(entry for _, entry in _states(catalog, settings, path, value)):
        raise ComponentError(
            f"AVU ova_restore of {path}: no component below has a state of {value} in its ova::history"
        )


def restore(catalog: Catalog, settings: Settings, path: str) -> None:
    """Does what the `ova_restore` of a collection says, and removes it. The caller builds what changes."""
    command = [avu for avu in catalog.avus([path]) if avu.attribute == names.RESTORE]
    if not command or not catalog.may_annotate(path):
        return
    value = command[-1].value
    catalog.remove_avus(path, command)
    component = read_any(catalog, path)
    try:
        if component is not None and _is_one(component):
            _bring_back(catalog, settings, component, _entry(settings, component, value))
        else:
            _restore_grid(catalog, settings, path, value)
    except ComponentError:  # the client was already told
        return


def _is_one(component: Component) -> bool:
    return (
        bool(component.urls)
        or component.fact(names.BUILD) is not None
        or any(avu.attribute == names.HISTORY for avu in component.facts)
    )


def _entry(settings: Settings, component: Component, value: str) -> Entry:
    signer = signer_of(settings)
    entry = history.at(component, value, signer) if _MOMENT.fullmatch(value) else None
    return entry or history.find(component, value, signer)


def _states(catalog: Catalog, settings: Settings, grid: str, moment: str) -> Iterator[tuple[Component, Entry | None]]:
    """The components below a collection, each with its state at a time; None where its history does not go back."""
    signer = signer_of(settings)
    for path in components_below(catalog, grid):
        component = read_any(catalog, path)
        if component is not None:
            yield component, history.at(component, moment, signer)


def _restore_grid(catalog: Catalog, settings: Settings, grid: str, moment: str) -> None:
    found = list(_states(catalog, settings, grid, moment))
    states = [(component, entry) for component, entry in found if entry is not None]
    gone = [component.path for component, entry in found if entry is None]
    possible = set(catalog.annotatable(component.path for component, _ in states))
    told = [component.path for component, _ in states if component.path not in possible]
    texts = [f"not restored, since {catalog.user} may not change their AVUs: {_listed(told)}"] if told else []
    texts += [f"not restored, since no state of that time is kept: {_listed(gone)}"] if gone else []
    texts += _bring_back_own(catalog, settings, grid, [entry for _, entry in states])
    for component, entry in states:
        if component.path in possible:
            _bring_back(catalog, settings, component, entry)
    if not read_any(catalog, grid):
        return
    old = [avu for avu in catalog.avus([grid]) if (avu.attribute, avu.units) == (names.NOTE, remarks.OF_RESTORING)]
    catalog.change_facts(grid, old, remarks.facts(grid, remarks.OF_RESTORING, texts))


def _bring_back_own(catalog: Catalog, settings: Settings, grid: str, entries: list[Entry]) -> list[str]:
    """Restores the grid's own values, as its machines took them. Returns the notes about it."""
    then: dict[tuple[str, str], str | None] = {}
    for entry in entries:
        for attribute, value, units, collection in entry.inherited:
            if collection == grid:
                then.setdefault((attribute, units), value)
    now = [avu for avu in catalog.avus([grid]) if names.is_value(avu.attribute)]
    wanted = [Avu(grid, attribute, value, units) for (attribute, units), value in then.items() if value is not None]
    places = {(avu.attribute, avu.units) for avu in wanted}
    remove = [avu for avu in now if (avu.attribute, avu.units) in places and avu not in wanted]
    catalog.remove_avus(grid, remove)
    _add(catalog, settings, grid, [avu for avu in wanted if avu not in now])
    kept = sorted(attribute for (attribute, _), value in then.items() if value is None)
    return [f"restored to {entries[0].time} without {_listed(kept)}: no value of it is kept"] if kept else []


def _bring_back(catalog: Catalog, settings: Settings, component: Component, entry: Entry) -> None:
    path = component.path
    remove, add = history.changes(component, entry)
    catalog.remove_avus(path, remove)
    _add(catalog, settings, path, add)
    after = read_any(catalog, path)
    if after is None:
        return
    texts = list(_left_alone(after, entry))
    units = f"{remarks.OF_RESTORING} {view(catalog, settings, after).inputs.fingerprint}"
    old = [avu for avu in after.facts if avu.attribute == names.NOTE and avu.units.startswith(remarks.OF_RESTORING)]
    catalog.change_facts(path, old, [fact(path, names.NOTE, one_line(text), units) for text in texts])


def _add(catalog: Catalog, settings: Settings, path: str, avus: list[Avu]) -> None:
    catalog.change_facts(path, [], avus)
    referring = {avu for avu in avus if authorship.refers(avu)}
    component = read_any(catalog, path) if referring else None
    if component is not None:
        authorship.note_author(catalog, settings, component, lambda avu: avu in referring)


def _left_alone(component: Component, entry: Entry) -> Iterator[str]:
    """The parts of a state that are not restored."""
    withheld = [attribute for attribute, value, _ in entry.avus if value is None]
    if withheld:
        yield f"restored to {entry.time} without {_listed(withheld)}: no value of it is kept"
    now = {(avu.attribute, avu.units, avu.collection): avu.value for level in component.levels for avu in level}
    others = [
        f"{attribute} of {collection}"
        for attribute, value, units, collection in entry.inherited
        if value is not None and now.get((attribute, units, collection)) != value
    ]
    if others:
        yield f"restored to {entry.time}; what other collections set stays as it is: {_listed(others)}"


def _listed(names_: list[str]) -> str:
    more = f" and {len(names_) - _NAMED} more" if len(names_) > _NAMED else ""
    return ", ".join(names_[:_NAMED]) + more
