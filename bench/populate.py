"""Fills an embedded zone with components faster than clients could: rows through the zone's own catalog code, in one go.

What only the rules can make, the seals of who set `ova_url`, is made by the rules: in an administrator's rule text that
calls `vouch` here. Nothing is built; the first change that reaches the components does that.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

from bench.site import Site
from zone.catalog import collections, metadata, users
from zone.catalog.database import Database

_AT_ONCE = 500


def populate(made: Site, names: Sequence[str], source: str) -> None:
    """Makes collections below the home, in existing ones, each a component with this `ova_url`."""
    path = made.zone.root / "catalog.sqlite"
    with contextlib.closing(Database.open(path)) as database, database.transaction():
        user = users.require(database, made.zone.user)
        for name in names:
            collections.insert(database, user, f"{made.home}/{name}")
            row = ("add", "-C", f"{made.home}/{name}", "ova_url", source)
            metadata.modify(database, user, row)
    for start in range(0, len(names), _AT_ONCE):
        paths = [f"{made.home}/{name}" for name in names[start : start + _AT_ONCE]]
        made.run_rule(f"from bench.populate import vouch\n    vouch(callback, rei, {paths!r})")


def vouch(callback: Any, rei: Any, paths: Sequence[str]) -> None:
    """Notes the client as the one who set these components' `ova_url`, as the hook of the AVU does."""
    from rules import hooks, vouching
    from rules.catalog import Catalog
    from rules.component import read
    from rules.settings import load

    catalog = Catalog(callback, rei)
    settings = load(hooks.settings_directory, lambda text: None)
    for path in paths:
        component = read(catalog, path)
        if component is None:
            raise LookupError(f"{path} is no component")
        vouching.record(catalog, settings, component, lambda avu: True)
