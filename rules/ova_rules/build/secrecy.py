"""Who may not have a ready OVA because of its content: values of collections that the client may not read.

Used where a read is judged, and where a ready OVA would be moved and could be read elsewhere.
"""

from __future__ import annotations

from ova_rules import names
from ova_rules.build.staleness import view
from ova_rules.catalog.access import Access
from ova_rules.catalog.writes import Catalog
from ova_rules.component.model import read, unseen, unseen_error
from ova_rules.component.source import version_of
from ova_rules.errors import ComponentError, one_line
from ova_rules.settings import Settings
from ova_rules.state import is_known_ready, made_at


def reason_against_moving(catalog: Catalog, settings: Settings, path: str) -> str | None:
    """Why the object at `path` must not be renamed, in one line; None if it may, or is no ready OVA."""
    collection = names.component_of(path)
    if collection is None or (names.is_form(path) and not is_known_ready(settings.state_directory, path)):
        return None  # or a user's own file, with a name as forms have it
    try:
        component = read(catalog, collection)
        if component is None:
            return reason_if_hidden(catalog, settings, collection, path)
        seen = view(catalog, settings, component)
        now = seen.inputs
        hidden = unseen(catalog, component, now.depends)
        if hidden:
            return one_line(f"{path}: {unseen_error(now, hidden, catalog.user)}")
        if now.forms.kind is not None and (names.is_form(path) or now.forms.embedded):
            from ova_rules.build.seeds import reason_if_tasks_hidden

            reason = reason_if_tasks_hidden(catalog, settings, seen)
            return one_line(f"{path}: {reason}") if reason is not None else None
        return None
    except ComponentError as error:
        return one_line(f"{path}: {error}")


def reason_if_hidden(catalog: Access, settings: Settings, collection: str, path: str) -> str | None:
    """Why an object must not be read in a collection that is no component as far as the client sees; or None.

    The AVUs of the collection may be hidden from the client. If the collection was a component before, what the server
    has made there still holds values of others.
    """
    made = made_at(settings.state_directory, path)
    if made is None:
        return None
    if not catalog.visible([collection]):
        return one_line(f"{path}: {catalog.user} may not read the AVUs of {collection} that it is made from")
    _, version, holds = made
    if not holds or version_of(catalog.replicas(path), settings) != version:
        return None
    hidden = set(holds) - catalog.visible(holds)
    return one_line(f"{path} holds values of collections that {catalog.user} may not read") if hidden else None
