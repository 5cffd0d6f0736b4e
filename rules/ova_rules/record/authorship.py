"""Nobody gets through a component what they could not get themselves.

A build runs as whoever causes it, and that may be the owner of a private source who just writes a new version of it,
while another one's AVUs say what goes where. So the AVUs that reach for other things, `ova_url`, `ova_like` and values
with `${…}`, are vouched for: the user who set one is noted (`ova::set_by`, sealed), and every build also asks whether
that user may read, now, what the AVU reaches for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

from ova_rules import names
from ova_rules.catalog.writes import Avu, Catalog
from ova_rules.component.matching import described
from ova_rules.component.model import Component, Inputs
from ova_rules.component.source import Source
from ova_rules.errors import ComponentError
from ova_rules.record.signing import Seals, same, seals_of
from ova_rules.settings import Settings

SetNow = Callable[[Avu], bool]  # whether the event's user set this AVU


def reaches(avu: Avu) -> bool:
    """Whether an AVU's value leads to other things than itself."""
    return avu.attribute in (names.URL, names.LIKE) or ("${" in avu.value and names.is_value(avu.attribute))


def record(
    catalog: Catalog, settings: Settings, component: Component, set_now: SetNow, user: str | None = None
) -> None:
    """Notes who set these AVUs of the collection (a component or not yet): the client of this event, or `user`."""
    seals = seals_of(settings)
    own = [avu for avu in _reaching(component) if avu.collection == component.path]
    setter = user or catalog.identity
    users = {avu: setter if set_now(avu) else voucher(catalog, seals, component, avu) for avu in own}
    wanted = {_note(catalog, seals, avu, user) for avu, user in users.items() if user}
    present = {note for note in component.notes if note.collection == component.path}
    catalog.change_facts(component.path, sorted(present - wanted, key=str), sorted(wanted - present, key=str))


def voucher(catalog: Catalog, seals: Seals, component: Component, avu: Avu) -> str | None:
    """Who set an AVU that reaches for other things; None if it is not known."""
    for note in component.notes:
        if note.collection == avu.collection and same(note.units, _note(catalog, seals, avu, note.value).units):
            return note.value
    return None


def require(catalog: Catalog, settings: Settings, component: Component, now: Inputs, source: Source) -> None:
    """Raises ComponentError unless those who set the AVUs may read, now, all that the AVUs reach for."""
    seals = seals_of(settings)
    likes = dict(component.likes)
    for avu in _reaching(component):
        user = voucher(catalog, seals, component, avu)
        if user is None:
            text = "it is not known who set it; set it again, as somebody who may change the collection's AVUs"
            raise ComponentError(f"{described(avu)}: {text}", lasting=False)
        if user == catalog.identity:
            continue  # the build itself finds out what this user may read
        if avu.attribute == names.URL:
            if not catalog.may_read(source.path, user):
                raise _refusal(avu, user, source.path)
            # Who made the component answers for what it inherits, but not for where others made it alike.
            inherited = component.contributors - frozenset().union(*likes.values())
            reached = inherited | _reached_from(inherited, component, now) | now.expansions[avu].reached
            reached |= {now.upstream} if now.upstream else set()
        elif avu.attribute == names.LIKE:
            inherited = likes[avu] & component.contributors
            reached = inherited | _reached_from(inherited, component, now)
        else:
            reached = now.expansions[avu].reached
        hidden = reached - catalog.visible_to(user, reached)
        if hidden:
            raise _refusal(avu, user, ", ".join(sorted(hidden & (now.named | component.contributors))) or "all of it")


def _reached_from(collections: frozenset[str], component: Component, now: Inputs) -> frozenset[str]:
    """What the references in inherited AVUs reach: who inherits them must be able to read it, not only who set them."""
    avus = (avu for level in component.levels for avu in level if avu.collection in collections)
    return frozenset().union(*(now.expansions[avu].reached for avu in avus))


def _reaching(component: Component) -> list[Avu]:
    values = (avu for level in component.levels for avu in level if reaches(avu))
    return [*component.urls, *(avu for avu, _ in component.likes), *values]


def _note(catalog: Catalog, seals: Seals, avu: Avu, user: str) -> Avu:
    text = json.dumps([avu.attribute, avu.value, avu.units])
    digest = hashlib.sha256(text.encode()).hexdigest()[:32]
    seal = seals.of_setting(catalog.collection_id(avu.collection), digest, user)
    return Avu(avu.collection, names.SET_BY, user, f"{digest} {seal}")


def _refusal(avu: Avu, user: str, what: str) -> ComponentError:
    return ComponentError(f"{described(avu)} was set by {user}, who may not read {what}", lasting=False)
