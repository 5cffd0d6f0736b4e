"""Fills an embedded zone with components faster than clients could: rows through the zone's own catalog code.

Only the rules can make the signed notes of who set `ova_url`: an administrator's rule text calls `note_authors` here.
Nothing is built; the first change that reaches the components builds them.
"""

from __future__ import annotations

import contextlib
from typing import Any

from irods_zone.catalog import collections, metadata, users
from irods_zone.catalog.database import Database

from bench.site import Site
from ova_admin.rule_text import run_python


def populate(made: Site, grid: str, count: int, source: str) -> None:
    """Makes the collection `grid` below the home, in an existing one, and in it c00000, c00001 … with `ova_url`."""
    with contextlib.closing(Database.open(made.zone.root / "catalog.sqlite")) as database, database.transaction():
        user = users.require(database, made.zone.user)
        collections.insert(database, user, f"{made.home}/{grid}")
        for number in range(count):
            path = f"{made.home}/{grid}/c{number:05}"
            collections.insert(database, user, path)
            metadata.modify(database, user, ("add", "-C", path, "ova_url", source))
    run_python(
        made.session,
        f"from bench.populate import note_authors\nnote_authors(callback, rei, {made.home + '/' + grid!r})",
    )


def note_authors(callback: Any, rei: Any, grid: str) -> None:
    """Notes the client as the author of the `ova_url` of the grid's components, as the hook of the AVU does."""
    from ova_rules import agent
    from ova_rules.catalog.writes import Catalog
    from ova_rules.component.model import read
    from ova_rules.component.tree import components_below
    from ova_rules.record.authorship import note_author
    from ova_rules.settings import load

    catalog = Catalog(callback, rei)
    settings = load(agent.settings_directory, lambda text: None)
    for path in components_below(catalog, grid):
        component = read(catalog, path)
        if component is None:
            raise LookupError(f"{path} is no component")
        note_author(catalog, settings, component, lambda avu: True)
