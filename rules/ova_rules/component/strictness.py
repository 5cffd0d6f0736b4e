"""Which components are strict: an AVU that does not fit them is refused before it is stored.

The build of a strict component notes that in the state folder. An AVU of any other collection costs one look into that
folder, and no query.
"""

from __future__ import annotations

import os

from ova_rules import state
from ova_rules.component.tree import above
from ova_rules.settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ova_rules.component.model import Component

_KIND = "strict"


def is_strict(settings: Settings, component: Component) -> bool:
    """Whether the component is strict, by its `ova_options` or for the whole zone."""
    from ova_rules.component.controls import STRICT, has_option

    return settings.strict_values or has_option(component.options, STRICT)


def note(settings: Settings, component: Component) -> None:
    """Notes a component that is strict, and the collection that says so."""
    if component.options and is_strict(settings, component):
        for path in {component.path, *(avu.collection for avu in component.options)}:
            state.write_note(settings.state_directory, _KIND, path, "")


def forget(settings: Settings, path: str) -> None:
    """Removes the note: nothing at or above this collection was found to be strict."""
    for each in above(path):
        state.forget_note(settings.state_directory, _KIND, each)


def may_matter(settings: Settings, path: str) -> bool:
    """Whether something at or above this collection was noted as strict, or the whole zone is."""
    if settings.strict_values:
        return True
    folder = os.path.join(state.directory(settings.state_directory), _KIND)
    if not os.path.isdir(folder):
        return False
    return any(state.read_note(settings.state_directory, _KIND, each) is not None for each in above(path))
