"""One reading of the catalog for decisions about many components, perhaps as another user sees it.

Decisions from it are hints: a build must read again. Never used for writing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ova_rules.catalog.queries import ENDINGS, REPLICA_COLUMNS, replica
from ova_rules.catalog.types import Avu, ObjectAvu, Replica
from ova_rules.catalog.writes import Catalog
from ova_rules.names import URL


class Snapshot(Catalog):
    """The catalog, with the AVUs of some collections and the replicas of some .ova objects read beforehand.

    as_user: for an administrator: AVUs that this user (name#zone) may not see are left out; may_read of the client is
    then always true, because the build checks the right of its own client.
    """

    def __init__(
        self, catalog: Catalog, collections: Iterable[str], objects: Sequence[str], as_user: str | None = None
    ) -> None:
        super().__init__(catalog._callback, catalog._rei, catalog.cause)
        # The catalog and this snapshot share what was read in this event.
        self._ids_of_users, self._administrators = catalog._ids_of_users, catalog._administrators
        self._ids, self._access, self._children = catalog._ids, catalog._access, catalog._children
        self.settings, self.away = catalog.settings, catalog.away
        self._as_user = as_user
        self._avus: dict[str, list[Avu]] = {name: [] for name in collections}
        self._replicas: dict[str, list[Replica]] = {name: [] for name in objects}
        self._object_avus: dict[tuple[str, ...], list[ObjectAvu]] = {}
        seen = self._avus.keys() if as_user is None else self.visible_to(as_user, self._avus)
        for avu in super().avus(seen):
            self._avus[avu.collection].append(avu)
        folders = (path.rpartition("/")[0] for path in objects)
        for row in self._rows_of(REPLICA_COLUMNS, "COLL_NAME", folders, ENDINGS):
            self._replicas.setdefault(f"{row[9]}/{row[10]}", []).append(replica(row))
        self._replicas = self._looked_up(self._replicas)

    def avus(self, collections: Iterable[str]) -> list[Avu]:
        """As `Queries.avus`."""
        asked = list(collections)
        missing = [name for name in asked if name not in self._avus]
        found = super().avus(missing) if missing else []
        return found + [avu for name in asked for avu in self._avus.get(name, ())]

    def is_component(self, collection: str) -> bool:
        """As `Queries.is_component`."""
        if collection in self._avus:
            return any(avu.attribute == URL for avu in self._avus[collection])
        return super().is_component(collection)

    def replicas_of(self, paths: Iterable[str]) -> dict[str, list[Replica]]:
        """As `Queries.replicas_of`; new answers are kept, because one object may be the source of many."""
        asked = list(paths)
        self._replicas.update(super().replicas_of([path for path in asked if path not in self._replicas]))
        return {path: self._replicas[path] for path in asked}

    def replicas_and_access(self, paths: Iterable[str]) -> dict[str, list[Replica]]:
        """As `Access.replicas_and_access`; rights are read only where `may_read` asks for them."""
        return self.replicas_of(paths)

    def object_avus(self, path: str, attributes: Sequence[str], value: str = "") -> list[ObjectAvu]:
        """As `Queries.object_avus`, read once."""
        asked = (path, *attributes, value)
        if asked not in self._object_avus:
            self._object_avus[asked] = super().object_avus(path, attributes, value)
        return self._object_avus[asked]

    def may_read(self, path: str, user: str | None = None) -> bool:
        """As `Access.may_read`."""
        return True if self._as_user is not None and user is None else super().may_read(path, user)
