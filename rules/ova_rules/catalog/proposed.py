"""The catalog as it would be after a change of AVUs that is not stored yet. Never used for writing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from ova_rules.catalog.types import Avu
from ova_rules.catalog.writes import Catalog
from ova_rules.names import URL


class Proposed(Catalog):
    """The catalog after one collection has lost some AVUs and gained others.

    dropped: whether an AVU of the collection goes.
    """

    def __init__(self, catalog: Catalog, collection: str, added: Sequence[Avu], dropped: Callable[[Avu], bool]) -> None:
        super().__init__(catalog._callback, catalog._rei, catalog.cause)
        self.settings, self.away = catalog.settings, catalog.away
        self._collection, self._added, self._dropped = collection, tuple(added), dropped

    def avus(self, collections: Iterable[str]) -> list[Avu]:
        """As `Queries.avus`."""
        asked = list(collections)
        found = super().avus(asked)
        if self._collection not in asked:
            return found
        if self._collection not in self._ids:  # it has no AVU yet
            self._ids[self._collection] = ""
        kept = [avu for avu in found if avu.collection != self._collection or not self._dropped(avu)]
        return list(dict.fromkeys([*kept, *self._added]))

    def is_component(self, collection: str) -> bool:
        """As `Queries.is_component`."""
        if collection == self._collection:
            return any(avu.attribute == URL for avu in self.avus([collection]))
        return super().is_component(collection)
