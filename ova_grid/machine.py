"""The present machine: its state, and each property that is set, with its value and the origin of that.

The server says which property an AVU sets (`ova::set`). Values are read with the user's own rights, and references are
followed as the server follows them. Passwords, and what the server withholds from a history, are not shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ova_grid.components import Component, component_of_avus
from ova_grid.errors import GridError
from ova_grid.history import State, states
from ova_grid.reading import Reader
from ova_rules import names
from ova_rules.catalog.types import Avu
from ova_rules.component.inheritance import lineage
from ova_rules.component.model import effective
from ova_rules.component.references import References, UnresolvedError
from ova_rules.errors import ComponentError
from ova_rules.settings import Settings

if TYPE_CHECKING:
    from irods.session import iRODSSession


@dataclass(frozen=True)
class Setting:
    """A property that an AVU sets. collection: that of the AVU, or a hash of it (`#…`) if the user may not know it.

    value: None if it is withheld or unknown; then `why` gives the reason. written: the AVU's own text, if that holds
    references.
    """

    property: str
    attribute: str
    collection: str
    value: str | None
    why: str = ""
    written: str = ""


@dataclass(frozen=True)
class Machine:
    """A component as its user sees it. controls: those in effect, its own and inherited ones."""

    component: Component
    settings: tuple[Setting, ...]
    controls: tuple[Avu, ...]
    unmatched: tuple[str, ...]
    notes: tuple[str, ...]
    tasks: tuple[str, ...]
    forms: tuple[str, ...]
    history: tuple[State, ...]


def machine(session: iRODSSession, path: str, reader: Reader | None = None) -> Machine:
    """The component at `path`. Raises GridError if it is no component, or cannot be read."""
    reader = reader or Reader(session)
    try:
        found = lineage(reader, path)
    except ComponentError as error:
        raise GridError(str(error)) from error
    own = found.levels.get(path, [])
    if not any(avu.attribute == names.URL for avu in own):
        raise GridError(f"{path}: is no component (a collection with the AVU {names.URL}) that you may read")
    facts = [avu for avu in own if names.is_fact(avu.attribute)]
    history = states(facts)
    levels = [list(level) for level in effective(found)]
    return Machine(
        component_of_avus(path, own),
        tuple(_settings(path, reader, facts, levels, history)),
        tuple(avu for level in found.levels.values() for avu in level if _is_control(avu, path)),
        _values(facts, names.UNMATCHED),
        _values(facts, names.NOTE),
        _values(facts, names.TASKS),
        _values(facts, names.FORM),
        tuple(history),
    )


def _is_control(avu: Avu, path: str) -> bool:
    inherited = avu.attribute not in (names.URL, names.IMAGES, names.RESTORE, names.REFRESH)
    return avu.attribute.startswith(names.CONTROL_PREFIX) and (inherited or avu.collection == path)


def _values(facts: Iterable[Avu], attribute: str) -> tuple[str, ...]:
    return tuple(sorted(avu.value for avu in facts if avu.attribute == attribute))


def _settings(
    path: str, reader: Reader, facts: Sequence[Avu], levels: Sequence[Sequence[Avu]], history: Sequence[State]
) -> list[Setting]:
    references = References(lambda other: _look_up(reader, other), Settings().aliases, reader.text)
    withheld = history[0].withheld if history else frozenset()
    said = sorted((avu.value, avu.units) for avu in facts if avu.attribute == names.SET)
    by_collection: dict[str, list[str]] = {}
    for prop, collection in said:
        by_collection.setdefault(collection, []).append(prop)
    unmatched = {avu.value for avu in facts if avu.attribute == names.UNMATCHED}
    takers: dict[tuple[str, str], Avu] = {}
    for collection, properties in by_collection.items():
        avus = [avu for level in levels for avu in level if avu.collection == collection]
        avus = [avu for avu in avus if avu.attribute not in unmatched or collection != path]
        takers.update({(collection, prop): avu for prop, avu in paired(properties, avus).items()})
    return [_setting(path, prop, collection, takers.get((collection, prop)), references, withheld)
            for prop, collection in said]  # fmt: skip


def _setting(
    path: str,
    prop: str,
    collection: str,
    avu: Avu | None,
    references: References,
    withheld: frozenset[tuple[str, str]],
) -> Setting:
    if avu is None:
        return Setting(prop, "", collection, None, "you may not read the AVU that sets it")
    if (avu.attribute, avu.units) in withheld:
        return Setting(prop, avu.attribute, collection, None, "a password, or a value that the history withholds")
    if "${" not in avu.value:
        return Setting(prop, avu.attribute, collection, avu.value)
    try:
        value = references.expand(path, avu).value
    except (UnresolvedError, GridError) as error:
        return Setting(prop, avu.attribute, collection, None, str(error), avu.value)
    return Setting(prop, avu.attribute, collection, value, "", avu.value)


def _look_up(reader: Reader, path: str) -> list[list[Avu]]:
    found = lineage(reader, path)
    if found.error is not None:
        raise found.error
    urls = [avu for avu in found.levels.get(path, ()) if avu.attribute == names.URL]
    levels = [list(level) for level in effective(found)] or [[]]
    levels[0][:0] = urls
    return levels


def paired(properties: Sequence[str], avus: Sequence[Avu]) -> dict[str, Avu]:
    """Which of a collection's AVUs sets which of the properties that the collection is known to set.

    Matches by full name, then by a part of it (with units: of that class or class.instance). If one property and one
    AVU are left, these must belong together (an alias of the site).
    """
    found: dict[str, Avu] = {}
    left = list(dict.fromkeys(avus))
    for fits in (_is_name, _is_part):
        for prop in properties:
            candidates = [avu for avu in left if prop not in found and fits(prop, avu)]
            if len(candidates) == 1 or (candidates and len({avu.value for avu in candidates}) == 1):
                found[prop] = candidates[0]
    left = [avu for avu in left if avu not in found.values()]
    open_ = [prop for prop in properties if prop not in found]
    if len(open_) == 1 and len(left) == 1:
        found[open_[0]] = left[0]
    return found


def _is_name(prop: str, avu: Avu) -> bool:
    return avu.attribute.rpartition("/")[2] == prop


def _is_part(prop: str, avu: Avu) -> bool:
    attribute = avu.attribute.rpartition("/")[2]
    names_ = {attribute, Settings().aliases.get(attribute, attribute)}
    sections = [word for word in avu.units.split() if not word.startswith("config:")]
    return any(f".{name}." in f".{prop}." for name in names_) and all(_is_in(prop, section) for section in sections)


def _is_in(prop: str, section: str) -> bool:
    """Whether a property is of this class, or class.instance."""
    class_, _, instance = section.rpartition(".")
    return prop.startswith(f"{section}.") or (prop.startswith(f"{class_}.") and prop.endswith(f".{instance}"))
