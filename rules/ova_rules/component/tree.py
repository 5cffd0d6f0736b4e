"""What lies at, above or below a collection: collections, the components among them, and AVUs that name any of them.

Goes down level by level, and queries with lists, which a database answers from its indexes: the cost depends on the
number of collections there, not on the size of the zone. A pattern (`like 'path/%'`) makes PostgreSQL read every
collection of the zone, so patterns are used only where there are too many collections to list
(docs/decisions/0017-no-patterns.md).
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from ova_rules import names
from ova_rules.catalog.access import Access
from ova_rules.catalog.conditions import masked
from ova_rules.catalog.types import Avu
from ova_rules.component.pointers import pointing
from ova_tools.records import dataclass

_MOST = 2000  # collections that are listed
_MOST_ODD = 8  # of these with names that no list can hold: each takes a query with a pattern


@dataclass(frozen=True)
class Tree:
    """A collection and all below it that the client sees. collections: None where there are too many to list."""

    root: str
    collections: tuple[str, ...] | None


def above(path: str) -> list[str]:
    """A collection and all above it, nearest first, without the root."""
    chain = []
    while path not in ("", "/"):
        chain.append(path)
        path = posixpath.dirname(path)
    return chain


def tree(catalog: Access, root: str) -> Tree:
    """Reads the tree as it is now. One query for each level."""
    found: list[str] = []
    odd = 0
    level: list[str] | None = [root]
    while level:
        found += level
        odd += sum(masked(name) != name for name in level)
        if len(found) > _MOST or odd > _MOST_ODD:
            return Tree(root, None)
        level = catalog.children(level, _MOST)
    return Tree(root, None if level is None else tuple(found))


def components_below(catalog: Access, root: str) -> list[str]:
    """The collections at or below `root` that have `ova_url`, sorted."""
    return components(catalog, tree(catalog, root))


def components(catalog: Access, there: Tree) -> list[str]:
    """Those of a tree that have `ova_url`, sorted."""
    if there.collections is None:
        return sorted(catalog.having([there.root], names.URL) | catalog.having_below(there.root, names.URL))
    return sorted(catalog.having(there.collections, names.URL))


def naming(catalog: Access, there: Tree, attributes: Sequence[str], also: Sequence[str] = ()) -> list[Avu]:
    """The collections' AVUs of these attributes whose value is a collection of the tree, or one of `also`."""
    if there.collections is None:
        below = catalog.values_like(attributes, start=f"{there.root}/")
        return [*below, *pointing(catalog, attributes, [there.root, *also])]
    return pointing(catalog, attributes, [*there.collections, *also])
