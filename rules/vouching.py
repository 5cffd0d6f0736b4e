"""Nobody gets through a component what they could not get themselves.

A build runs as whoever causes it, and that may be the owner of a private source who just writes a new version of it,
while another one's AVUs say what goes where. So the AVUs that reach for other things, `ova_url` and values with
`${…}`, are vouched for: the user who set one is noted (`ova::set_by`, sealed), and every build also asks whether that
user may read, now, what the AVU reaches for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

from rules import names
from rules.catalog import Avu, Catalog
from rules.component import Component, Source, references_of
from rules.errors import ComponentError
from rules.matching import described
from rules.seals import Seals, same, seals_of
from rules.settings import Settings

SetNow = Callable[[Avu], bool]  # whether the event's user set this AVU


def reaches(avu: Avu) -> bool:
    """Whether an AVU's value leads to other things than itself."""
    return avu.attribute == names.URL or ("${" in avu.value and names.is_value(avu.attribute))


def record(catalog: Catalog, settings: Settings, component: Component, set_now: SetNow) -> None:
    """Notes the client of this event as the one who set these AVUs of the component."""
    seals = seals_of(settings)
    known = vouchers(component, seals)
    new = {avu: catalog.identity if set_now(avu) else known.get(avu, "") for avu in _reaching(component)}
    wanted = {_note(seals, component, avu, user) for avu, user in new.items() if user}
    present = {avu for avu in component.facts if avu.attribute == names.SET_BY}
    catalog.change_facts(component.path, sorted(present - wanted, key=str), sorted(wanted - present, key=str))


def vouchers(component: Component, seals: Seals) -> dict[Avu, str]:
    """Who set each AVU that reaches for other things, as far as it is known."""
    found = {}
    notes = [avu for avu in component.facts if avu.attribute == names.SET_BY]
    for avu in _reaching(component):
        for note in notes:
            if same(note.units, _note(seals, component, avu, note.value).units):
                found[avu] = note.value
    return found


def require(catalog: Catalog, settings: Settings, component: Component, source: Source) -> None:
    """Raises ComponentError unless those who set the AVUs may read, now, all that the AVUs reach for."""
    known = vouchers(component, seals_of(settings))
    for avu in _reaching(component):
        user = known.get(avu)
        if user is None:
            raise ComponentError(f"{described(avu)}: it is not known who set it; set it again", lasting=False)
        if user == catalog.identity:
            continue  # the build itself finds out what this user may read
        if avu.attribute == names.URL and not catalog.may_read(source.path, user):
            raise _refusal(avu, user, source.path)
        reached = _reached(catalog, settings, component, avu)
        hidden = reached - catalog.visible_to(user, reached)
        if hidden:
            raise _refusal(avu, user, ", ".join(sorted(hidden)))


def _reached(catalog: Catalog, settings: Settings, component: Component, avu: Avu) -> set[str]:
    """The collections that one AVU takes values from."""
    references = references_of(catalog, settings)
    asked = [avu]
    if avu.attribute == names.URL:  # who made the component answers for what it inherits
        asked = [inherited for level in component.levels[1:] for inherited in level if reaches(inherited)]
    for each in asked:
        try:
            references.expand(component.path, each)
        except ComponentError:
            continue  # the build says so
    return references.visited | (component.contributors if avu.attribute == names.URL else frozenset())


def _reaching(component: Component) -> list[Avu]:
    return [*component.urls, *(avu for level in component.levels[:1] for avu in level if reaches(avu))]


def _note(seals: Seals, component: Component, avu: Avu, user: str) -> Avu:
    text = json.dumps([avu.attribute, avu.value, avu.units])
    digest = hashlib.sha256(text.encode()).hexdigest()[:32]
    return Avu(component.path, names.SET_BY, user, f"{digest} {seals.of_setting(component.id, digest, user)}")


def _refusal(avu: Avu, user: str, what: str) -> ComponentError:
    return ComponentError(f"{described(avu)} was set by {user}, who may not read {what}", lasting=False)
