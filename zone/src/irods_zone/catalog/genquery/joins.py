"""Finds the tables between the tables that a query names: a walk over the links of the catalog.

The walk is that of the real server (from one table, links forward, then backward, in the order of the table of links,
until all are found), because its order decides if two ways lead to a table. Pure, with cached results.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from irods_zone.catalog.genquery.columns import LINKS, TABLES, Link
from irods_zone.errors import CAT_FAILED_TO_LINK_TABLES, IrodsError


@dataclass(frozen=True)
class Join:
    """The tables (aliases) of a query and the conditions that join them."""

    tables: tuple[str, ...]
    conditions: tuple[str, ...]


@lru_cache(maxsize=512)
def join(wanted: frozenset[str], start: str) -> Join:
    """Join the wanted tables, from `start`, one of them; IrodsError(CAT_FAILED_TO_LINK_TABLES) if there is no way."""
    walk = _Walk(set(wanted))
    kept = walk.visit(start, None)
    if not kept or walk.missing:
        raise IrodsError(CAT_FAILED_TO_LINK_TABLES, f"no way between {', '.join(sorted(wanted))}")
    tables = dict.fromkeys([start])
    for link in walk.used:
        tables.update(dict.fromkeys([link.right, link.left]))
    return Join(tuple(tables), tuple(link.condition for link in walk.used))


@dataclass
class _Walk:
    missing: set[str]
    seen: set[str] = field(default_factory=set)
    used: list[Link] = field(default_factory=list)

    def visit(self, table: str, came_by: Link | None) -> bool:
        """Whether a wanted table was found at `table` or beyond it."""
        if table in self.missing:
            self.missing.discard(table)
            keep = True
            if not self.missing:
                self.seen.add(table)
                return keep
        elif table in self.seen:
            return False
        else:
            keep = False
        self.seen.add(table)
        if TABLES[table].cycler:
            return keep
        forward = [(link, link.right) for link in LINKS if link.left == table]
        backward = [(link, link.left) for link in LINKS if link.right == table]
        for link, other in forward + backward:
            if link is came_by or not self.visit(other, link):
                continue
            keep = True
            self.used.append(link)
            if not self.missing:
                return keep
        return keep
