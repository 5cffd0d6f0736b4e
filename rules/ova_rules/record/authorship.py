"""A component gives no user access to data that this user cannot read directly.

A build runs as the user who causes it. That may be the owner of a private source who only writes a new version of it,
while another user's AVUs decide what goes where. So the AVUs that refer to other things (`ova_url`, `ova_like` and
values with `${…}`) have an author: the server notes the user who set one (`ova::set_by`, signed), and every build also
checks whether that user may read, now, what the AVU refers to.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence

from ova_rules import names
from ova_rules.catalog.access import Access
from ova_rules.catalog.types import Avu, fact
from ova_rules.catalog.writes import Catalog
from ova_rules.component.controls import FIXED, words
from ova_rules.component.matching import described
from ova_rules.component.model import Component, Expansion, Inputs
from ova_rules.errors import ComponentError
from ova_rules.record.signing import Signer, is_same, signer_of
from ova_rules.settings import Settings

SetNow = Callable[[Avu], bool]  # whether the event's user set this AVU


def refers(avu: Avu) -> bool:
    """Whether an AVU's value refers to other things, or is one that only an owner may set."""
    if avu.attribute == names.OPTIONS:
        return FIXED in words(avu.value)
    return avu.attribute in (names.URL, names.LIKE) or ("${" in avu.value and names.is_value(avu.attribute))


def note_author(
    catalog: Catalog, settings: Settings, component: Component, set_now: SetNow, user: str | None = None
) -> None:
    """Notes who set these AVUs of the collection (which may not be a component yet): this event's client, or `user`."""
    signer = signer_of(settings)
    own = [avu for avu in _referring(component) if avu.collection == component.path]
    setter = user or catalog.identity
    users = {avu: setter if set_now(avu) else author_of(catalog, signer, component, avu) for avu in own}
    wanted = {_note(catalog, signer, avu, user) for avu, user in users.items() if user}
    present = {note for note in component.notes if note.collection == component.path}
    catalog.change_facts(component.path, sorted(present - wanted, key=str), sorted(wanted - present, key=str))


def forget_authors(
    catalog: Catalog, settings: Settings, component: Component, of: Callable[[Avu], bool] = lambda avu: False
) -> None:
    """Removes the notes about AVUs that no longer exist, and about those that `of` selects, whose setter is unknown.

    A note that outlived its AVU would give its author's rights to any user who sets the AVU again.
    """
    signer = signer_of(settings)
    own = [avu for avu in _referring(component) if avu.collection == component.path and not of(avu)]
    present = {note for note in component.notes if note.collection == component.path}
    kept = {note for note in present for avu in own if note == _note(catalog, signer, avu, note.value)}
    if present != kept and catalog.may_annotate(component.path):
        catalog.change_facts(component.path, sorted(present - kept, key=str), [])


def author_of(catalog: Access, signer: Signer, component: Component, avu: Avu) -> str | None:
    """The user who set an AVU that refers to other things; None if unknown."""
    for note in component.notes:
        if note.collection == avu.collection and is_same(note.units, _note(catalog, signer, avu, note.value).units):
            return note.value
    return None


def require_author(catalog: Access, settings: Settings, component: Component, avu: Avu, expansion: Expansion) -> None:
    """Raises ComponentError unless the author of an AVU is known and may read, now, what it reaches."""
    user = _known_author(catalog, settings, component, avu)
    if user == catalog.identity:
        return
    hidden = expansion.reached - catalog.visible_to(user, expansion.reached)
    if hidden or not all(catalog.may_read(text, user) for text in expansion.texts):
        raise _refusal(avu, user, "all that it refers to")


def require_rights(catalog: Access, settings: Settings, now: Inputs, source: str | None) -> None:
    """Raises ComponentError unless the authors of the AVUs may read, now, all that the AVUs refer to.

    source: the path of the data object that `ova_url` names, if it names one.
    """
    component = now.component
    likes = dict(component.likes)
    for avu in _referring(component):
        if avu.attribute == names.OPTIONS and settings.fixed_properties != "owners":
            continue  # it does not count
        user = _known_author(catalog, settings, component, avu)
        if avu.attribute == names.OPTIONS:
            if not catalog.owns(avu.collection, user):
                text = f"{FIXED} is for an owner of the collection, and {user} set it"
                raise ComponentError(f"{described(avu)}: {text}", lasting=False)
            continue
        if user == catalog.identity:
            continue  # the build itself finds out what this user may read
        inherited = frozenset[str]()
        taken = [now.expansions[avu]] if avu in now.expansions else []
        also = set[str]()
        if avu.attribute == names.URL:
            if source is not None and not catalog.may_read(source, user):
                raise _refusal(avu, user, "its source")
            # The maker of the component needs the rights for what it inherits, but not for what an `ova_like` of others
            # adds.
            inherited = component.contributors - frozenset().union(*likes.values())
            also = {now.upstream} if now.upstream else set()
        elif avu.attribute == names.LIKE:
            inherited = likes[avu] & component.contributors
        # A user who inherits references must be able to read what they reach, not only the user who set them.
        taken += [
            now.expansions[other] for level in component.levels for other in level if other.collection in inherited
        ]
        reached = inherited.union(also, *(each.reached for each in taken))
        hidden = set(reached - catalog.visible_to(user, reached))
        texts = {text for each in taken for text in each.texts}
        hidden |= {text for text in texts if not catalog.may_read(text, user)}
        if hidden:
            raise _refusal(avu, user, ", ".join(sorted(hidden & now.public)) or "all that it refers to")


def unreadable(catalog: Access, settings: Settings, component: Component, objects: Sequence[str]) -> set[str]:
    """The data objects that an author of its `ova_url`, or of an `ova_like` that counts, may not read."""
    signer = signer_of(settings)
    avus = (*component.urls, *(avu for avu, _ in component.likes))
    users = {author_of(catalog, signer, component, avu) for avu in avus} - {catalog.identity}
    readable = set(objects)
    for user in users:
        readable &= set() if user is None else catalog.readable_to(readable, user)
    return set(objects) - readable


def _known_author(catalog: Access, settings: Settings, component: Component, avu: Avu) -> str:
    user = author_of(catalog, signer_of(settings), component, avu)
    if user is None:
        text = "it is not known who set it; set it again, as somebody who may change the collection's AVUs"
        raise ComponentError(f"{described(avu)}: {text}", lasting=False)
    return user


def _referring(component: Component) -> list[Avu]:
    values = (avu for level in component.levels for avu in level if refers(avu))
    options = (avu for avu in component.options if refers(avu))
    return [*component.urls, *(avu for avu, _ in component.likes), *values, *options]


def _note(catalog: Access, signer: Signer, avu: Avu, user: str) -> Avu:
    text = json.dumps([avu.attribute, avu.value, avu.units])
    digest = hashlib.sha256(text.encode()).hexdigest()[:32]
    signature = signer.of_author(catalog.collection_id(avu.collection), digest, user)
    return fact(avu.collection, names.SET_BY, user, f"{digest} {signature}")


def _refusal(avu: Avu, user: str, what: str) -> ComponentError:
    return ComponentError(f"{described(avu)} was set by {user}, who may not read {what}", lasting=False)
