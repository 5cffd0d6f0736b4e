"""Who may do what, according to the catalog: the client or another user, directly or through a group."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ova_rules.catalog.conditions import LIST_BYTES, at_least, equals, lists
from ova_rules.catalog.queries import REPLICA_COLUMNS, Queries, replica
from ova_rules.catalog.types import DELETE_METADATA, MODIFY_OBJECT, OWN, READ_OBJECT, Avu, Replica
from ova_rules.names import LIKE, in_trash

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_FEW = 64  # collections of others that one event looks at


class Access(Queries):
    """The catalog's queries, and what it knows of rights. Users are named `name#zone`."""

    def __init__(self, callback: Any, rei: Any, cause: str = "") -> None:
        super().__init__(callback, rei, cause)
        self._ids_of_users: dict[str, frozenset[str]] = {}  # with those of the groups
        self._administrators: dict[str, bool] = {}
        self._access: dict[str, set[tuple[str, str]]] = {}  # of existing objects, and of collections

    # ---- collections ---------------------------------------------------------------------------------------------

    def visible_to(self, user: str, collections: Iterable[str]) -> set[str]:
        """Those of these collections that `user` may read; the client must see them itself."""
        return self._at_level(READ_OBJECT, user, collections)

    def owns(self, collection: str, user: str) -> bool:
        """Whether `user` owns a collection, or is an administrator; the client must see the collection itself."""
        return bool(self._at_level(OWN, user, [collection]))

    def _at_level(self, level: int, user: str, collections: Iterable[str]) -> set[str]:
        asked = sorted(collections)
        if not asked:
            return set()
        if user not in self._administrators:
            self._administrators[user] = self._is_rodsadmin(user)
        if self._administrators[user]:
            return set(asked)
        columns = ["COLL_ACCESS_TYPE", "COLL_ACCESS_USER_ID", "COLL_NAME"]
        rows = self._rows_of(columns, "COLL_NAME", asked)
        access = {name: [(row[0], row[1]) for row in rows if row[2] == name] for name in asked}
        return {name for name in asked if self._has_level(level, access[name], user)}

    def may_write(self, collection: str) -> bool:
        """Whether the client may create and replace objects in a collection."""
        return self._has_collection_level(MODIFY_OBJECT, collection)

    def annotatable(self, collections: Iterable[str]) -> list[str]:
        """Those of these collections whose AVUs the client may change, in their order."""
        asked = list(collections)
        unknown = [name for name in asked if name not in self._access]
        if unknown:
            columns = ["COLL_ACCESS_TYPE", "COLL_ACCESS_USER_ID", "COLL_NAME"]
            self._access.update({name: set() for name in unknown})
            for kind, user_id, name in self._rows_of(columns, "COLL_NAME", unknown):
                if name in self._access:
                    self._access[name].add((kind, user_id))
        return [name for name in asked if self._has_collection_level(DELETE_METADATA, name)] if asked else []

    def may_annotate(self, collection: str) -> bool:
        """Whether the client may add and remove AVUs of a collection."""
        return self._has_collection_level(DELETE_METADATA, collection)

    # ---- what points at something --------------------------------------------------------------------------------

    def naming(self, attributes: Sequence[str], values: Sequence[str]) -> list[Avu]:
        """The collections' AVUs of these attributes whose value is one of these.

        If there are many, those of collections whose AVUs the client may not change are left out: what others build on
        the client's data must not cost the client more and more.
        """
        one = next(lists("META_COLL_ATTR_NAME", attributes))
        found = [avu for two in lists("META_COLL_ATTR_VALUE", values) for avu in self._avus_of_few(f"{one} AND {two}")]
        wanted = set(values)
        return [avu for avu in dict.fromkeys(found) if avu.attribute in attributes and avu.value in wanted]

    def likes(self) -> list[Avu]:
        """Every `ova_like` outside of the trash; as with `naming`."""
        found = self._avus_of_few(equals("META_COLL_ATTR_NAME", LIKE))
        return [avu for avu in found if avu.attribute == LIKE and not in_trash(avu.collection)]

    def _avus_of_few(self, condition: str) -> list[Avu]:
        found = self._avus_with(condition, _FEW + 1)
        if len(found) <= _FEW:
            return found
        ids = lists("COLL_ACCESS_USER_ID", sorted(self._ids_of(self.identity)))
        mine = " AND ".join([condition, at_least("COLL_ACCESS_TYPE", DELETE_METADATA), *ids])
        # A client in more groups than one query can hold reads those of others, too.
        fits = len(mine.encode("utf-8", "surrogateescape")) <= LIST_BYTES
        return self._avus_with(mine if fits else condition)

    # ---- data objects --------------------------------------------------------------------------------------------

    def may_read(self, path: str, user: str | None = None) -> bool:
        """Whether a user (the client, if none is named) may read a data object.

        For another user the collection is checked, too: without read permission on it that user does not find the
        object.
        """
        if user not in (None, self.identity) and not self.visible_to(str(user), [path.rpartition("/")[0]]):
            return False
        return self._has_object_level(READ_OBJECT, path, user or self.identity)

    def readable_to(self, paths: Iterable[str], user: str) -> set[str]:
        """The data objects among these that a user may read, as `may_read` decides; two queries."""
        asked = sorted(paths)
        visible = self.visible_to(user, {path.rpartition("/")[0] for path in asked})
        asked = [path for path in asked if path.rpartition("/")[0] in visible]
        self.learn_access(asked)
        return {path for path in asked if self._has_object_level(READ_OBJECT, path, user)}

    def may_replace(self, path: str) -> bool:
        """Whether the client has write permission on a data object."""
        return self._has_object_level(MODIFY_OBJECT, path, self.identity)

    def may_rename(self, path: str) -> bool:
        """Whether the client owns a data object."""
        return self._has_object_level(OWN, path, self.identity)

    def may_annotate_object(self, path: str) -> bool:
        """Whether the client may add and remove AVUs of a data object."""
        return self._has_object_level(DELETE_METADATA, path, self.identity)

    def replicas_and_access(self, paths: Iterable[str]) -> dict[str, list[Replica]]:
        """`replicas_of`, and all that `may_read` and the like need of these objects: one query if they exist."""
        found: dict[str, list[Replica]] = {path: [] for path in paths}
        columns = [*REPLICA_COLUMNS[:-2], "DATA_ACCESS_TYPE", "DATA_ACCESS_USER_ID", *REPLICA_COLUMNS[-2:]]
        for *row, kind, user_id, collection, name in self._rows_of_objects(columns, list(found)):
            path, seen = f"{collection}/{name}", replica(row)
            self._access.setdefault(path, set()).add((kind, user_id))
            if seen not in found[path]:
                found[path].append(seen)
        # No row: it does not exist, or nobody has a right to it. Only a query without the rights can tell.
        missing = [path for path in found if not found[path]]
        return {**self._looked_up(found), **(self.replicas_of(missing) if missing else {})}

    def learn_access(self, paths: Sequence[str]) -> None:
        """Reads who may do what with some data objects: one query now instead of one for each later."""
        columns = ["DATA_ACCESS_TYPE", "DATA_ACCESS_USER_ID", "COLL_NAME", "DATA_NAME"]
        unknown = [path for path in paths if path not in self._access]
        for kind, user_id, collection, name in self._rows_of_objects(columns, unknown):
            self._access.setdefault(f"{collection}/{name}", set()).add((kind, user_id))

    # ---- readers -------------------------------------------------------------------------------------------------

    def readers(self, collections: Iterable[str]) -> dict[str, set[str]]:
        """The numbers of the users and groups that may read each of these collections, as far as the client sees."""
        found: dict[str, set[str]] = {name: set() for name in collections}
        columns = ["COLL_ACCESS_TYPE", "COLL_ACCESS_USER_ID", "COLL_NAME"]
        for kind, user_id, name in self._rows_of(columns, "COLL_NAME", sorted(found)):
            if name in found and int(kind) >= READ_OBJECT:
                found[name].add(user_id)
        return found

    def object_readers(self, path: str) -> set[str]:
        """The numbers of the users and groups that may read a data object, as far as the client sees."""
        if path not in self._access:
            self.learn_access([path])
        return {user_id for kind, user_id in self._access.get(path, ()) if int(kind) >= READ_OBJECT}

    def readers_of_both(self, collection: str, path: str) -> tuple[set[str], set[str]]:
        """Who may read the AVUs of a collection, and who may read a data object and its collection. Two queries."""
        holder = path.rpartition("/")[0]
        readers = self.readers([collection, holder])
        return readers[collection], readers[holder] & self.object_readers(path)

    # ---- levels --------------------------------------------------------------------------------------------------

    def _has_object_level(self, level: int, path: str, user: str) -> bool:
        if path not in self._access:
            self.learn_access([path])
        return self._has_level(level, self._access.get(path, ()), user)

    def _has_collection_level(self, level: int, collection: str) -> bool:
        if collection not in self._access:
            columns = ["COLL_ACCESS_TYPE", "COLL_ACCESS_USER_ID", "COLL_NAME"]
            rows = self._rows(columns, equals("COLL_NAME", collection))
            self._access[collection] = {(row[0], row[1]) for row in rows if row[2] == collection}
        return self._has_level(level, self._access[collection], self.identity)

    def _has_level(self, level: int, access: Iterable[tuple[str, str]], user: str) -> bool:
        ids = self._ids_of(user)
        return any(int(kind) >= level and user_id in ids for kind, user_id in access)

    def _ids_of(self, user: str) -> frozenset[str]:
        """The numbers of a user and of the user's groups."""
        if user not in self._ids_of_users:
            rows = self._rows(["USER_ID", "USER_GROUP_ID", "USER_NAME", "USER_ZONE"], _is_user(user))
            self._ids_of_users[user] = frozenset(i for row in rows if f"{row[2]}#{row[3]}" == user for i in row[:2])
        return self._ids_of_users[user]

    def _is_rodsadmin(self, user: str) -> bool:
        rows = self._rows(["USER_TYPE", "USER_NAME", "USER_ZONE"], _is_user(user))
        return any(row[0] == "rodsadmin" and f"{row[1]}#{row[2]}" == user for row in rows)


def _is_user(user: str) -> str:
    name, _, zone = user.rpartition("#")
    return f"{equals('USER_NAME', name)} AND {equals('USER_ZONE', zone)}"
