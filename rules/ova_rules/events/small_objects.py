"""Data objects that values take as texts, and tasks: builds what takes them when they change, move or are removed."""

from __future__ import annotations

import posixpath

from ova_rules import names
from ova_rules.build.batch import build_all
from ova_rules.catalog.writes import Catalog
from ova_rules.component import dependents, tasks
from ova_rules.settings import Settings


def takers(catalog: Catalog, settings: Settings, path: str) -> dict[str, list[str]]:
    """The components that take the data object, or collection, at `path`, by the collection that is the cause."""
    found: dict[str, list[str]] = {}
    if f"/{names.TEXTS}/" in path:
        found[posixpath.dirname(path)] = dependents.of_text(catalog, path)
    place = tasks.place_noted(settings, path)
    if place is not None:
        found[place] = dependents.of_avus(catalog, place)
    return found


def build_takers(catalog: Catalog, settings: Settings, path: str) -> None:
    """Builds each component that takes it, once."""
    found = takers(catalog, settings, path)
    build_all(catalog, settings, [each for components in found.values() for each in components], *found)
