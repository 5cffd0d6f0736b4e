"""Facts that point at collections or objects: by path, or by a hash of it where not every reader may know the path.

`record.disclosure` decides which of the two; this module finds them again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from ova_rules.catalog.access import Access
from ova_rules.catalog.types import Avu


def hashed(path: str) -> str:
    """The hash that stands for a path that not every reader may know."""
    return "#" + hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()[:32]


def pointing(catalog: Access, attributes: Sequence[str], paths: Iterable[str]) -> list[Avu]:
    """The collections' AVUs of these attributes that point at one of these paths; their values are the paths."""
    path_of = {hashed(path): path for path in paths}
    found = catalog.naming(attributes, [*path_of.values(), *path_of])
    return [Avu(avu.collection, avu.attribute, path_of.get(avu.value, avu.value)) for avu in found]


def pointed_at(values: Iterable[str], paths: Iterable[str]) -> set[str]:
    """Those of the paths that one of the values points at."""
    known = set(values)
    return {path for path in paths if path in known or hashed(path) in known} if known else set()
