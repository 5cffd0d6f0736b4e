"""What the rules ask the catalog. Every query runs as the client and sees what the client may see.

What a condition lets pass too much (see `ova_rules.catalog.conditions`) is left out here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from ova_rules.catalog.conditions import begins, beside_collections, equals, lists, masked
from ova_rules.errors import ComponentError
from ova_rules.names import LIKE, URL, in_trash, looks_like_package
from ova_tools.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

READ_OBJECT = 1050
DELETE_METADATA = 1090
MODIFY_OBJECT = 1120
OWN = 1200
ADMINISTRATOR = 5  # authFlag of a local rodsadmin

GOOD = "1"
STALE = "0"

_UNREADABLE = "-807000"  # CAT_GET_ROW_ERR
# With fewer characters a value has no more bytes than a server can read.
_NO_LONG_VALUE = f"META_COLL_ATTR_VALUE not like '{'_' * (2700 // 4 + 1)}%'"
_REPLICA = ["DATA_ID", "DATA_REPL_NUM", "DATA_REPL_STATUS", "DATA_SIZE", "DATA_MODIFY_TIME", "DATA_CHECKSUM"]
_REPLICA += ["DATA_PATH", "RESC_LOC", "DATA_RESC_HIER", "COLL_NAME", "DATA_NAME"]
_HAS = ["COLL_NAME", "META_COLL_ATTR_NAME"]
_PACKAGES = "DATA_NAME like '%.___'"  # .ova in any case


@dataclass(frozen=True)
class Avu:
    """One metadata triple and the collection that has it."""

    collection: str
    attribute: str
    value: str
    units: str = ""


@dataclass(frozen=True, order=True)
class ObjectAvu:
    """One metadata triple of a data object."""

    attribute: str
    value: str
    units: str = ""


@dataclass(frozen=True)
class Replica:
    """One replica of a data object; size in bytes, modified in seconds since 1970."""

    data_id: str
    number: str
    status: str
    size: int
    modified: str
    checksum: str
    vault_path: str
    host: str
    hierarchy: str = ""

    @property
    def good(self) -> bool:
        """Whether its bytes are all there and current."""
        return self.status == GOOD

    @property
    def resource(self) -> str:
        """The resource that a client names: the root of its hierarchy."""
        return self.hierarchy.partition(";")[0]


@dataclass(frozen=True)
class _Prefetched:
    avus: dict[str, list[Avu]]
    replicas: dict[str, list[Replica]]
    object_avus: dict[tuple[str, ...], list[ObjectAvu]]


class Queries:
    """The catalog as the client of this agent sees it. Lives for one event. Not for use from other threads."""

    def __init__(self, callback: Any, rei: Any, cause: str = "") -> None:
        self._callback = callback
        self.cause = cause  # of the event, for the journal
        self.user = str(rei.uoic.userName)
        self.zone = str(rei.uoic.rodsZone)
        self.is_administrator = int(rei.uoic.authInfo.authFlag) >= ADMINISTRATOR
        # A Catalog lives for one event, so what it has learnt holds.
        self._identities: dict[str, frozenset[str]] = {}
        self._admins: dict[str, bool] = {}
        self._access: dict[str, set[tuple[str, str]]] = {}  # of objects that are there, and of collections
        self._ids: dict[str, str] = {}
        self._children: dict[tuple[str, ...], list[str]] = {}
        self._prefetched: _Prefetched | None = None
        self._eyes: str | None = None

    @property
    def identity(self) -> str:
        """The client as `name#zone`."""
        return f"{self.user}#{self.zone}"

    # ---- queries -------------------------------------------------------------------------------------------------

    def _rows(self, columns: Sequence[str], condition: str, most: int | None = None) -> list[list[str]]:
        from genquery import AS_LIST, Query

        return [list(row) for row in Query(self._callback, list(columns), condition, AS_LIST, limit=most)]

    def _rows_of(self, columns: Sequence[str], column: str, values: Iterable[str], *also: str) -> list[list[str]]:
        """The rows in which a column has one of these values; one query, where they are not very many or long."""
        return [row for one in lists(column, values) for row in self._rows(columns, " AND ".join([*also, one]))]

    def _readable_rows(self, ask: Callable[[str], list[list[str]]], condition: str, narrower: str) -> list[list[str]]:
        """What `ask` finds with a condition; with another, if that one lets an AVU pass that no server can read."""
        try:
            return ask(condition)
        except RuntimeError as error:
            if _UNREADABLE not in str(error):
                raise
            return ask(narrower)

    @contextmanager
    def prefetched(self, collections: Sequence[str], objects: Sequence[str]) -> Iterator[None]:
        """Within: AVUs of these collections, and replicas of .ova objects in these, are answered from one reading.

        For deciding about many components; what is built must be read anew.
        """
        avus: dict[str, list[Avu]] = {name: [] for name in collections}
        seen = avus.keys() if self._eyes is None else self.visible_to(self._eyes, avus)
        for avu in self.avus(sorted(seen)):
            avus[avu.collection].append(avu)
        replicas: dict[str, list[Replica]] = {name: [] for name in objects}
        for row in self._rows_of(_REPLICA, "COLL_NAME", (path.rpartition("/")[0] for path in objects), _PACKAGES):
            replicas.setdefault(f"{row[9]}/{row[10]}", []).append(_replica(row))
        self._prefetched = _Prefetched(avus, replicas, {})
        try:
            yield
        finally:
            self._prefetched = None

    def avus(self, collections: Sequence[str]) -> list[Avu]:
        """Every AVU of these collections that the client may see.

        Raises ComponentError if there is one that the server itself cannot read.
        """
        known = self._prefetched.avus if self._prefetched is not None else {}
        columns = ["COLL_NAME", "META_COLL_ATTR_NAME", "META_COLL_ATTR_VALUE", "META_COLL_ATTR_UNITS", "COLL_ID"]
        wanted = {name for name in collections if name not in known}
        try:
            rows = self._rows_of(columns, "COLL_NAME", sorted(wanted))
        except RuntimeError as error:
            if _UNREADABLE not in str(error):
                raise
            raise ComponentError(
                f"{min(wanted, key=len)} … {max(wanted, key=len)}: an AVU here has more than 2700 bytes, and "
                "iRODS cannot read it; remove it (imeta rm with the same text, or imeta rmw)",
                lasting=False,
            ) from error
        self._ids.update({row[0]: row[4] for row in rows})
        found = [Avu(*row[:4]) for row in rows if row[0] in wanted]
        return found + [avu for name in collections if name in known for avu in known[name]]

    def collection_id(self, collection: str) -> str:
        """The number of a collection whose AVUs were read; it stays when the collection is renamed."""
        return self._ids[collection]

    def visible(self, collections: Sequence[str]) -> set[str]:
        """Those of these collections that the client may see."""
        return {row[0] for row in self._rows_of(["COLL_NAME"], "COLL_NAME", collections)} & set(collections)

    def visible_to(self, user: str, collections: Iterable[str]) -> set[str]:
        """Those of these collections that `user` (name#zone) may read; the client must see them itself."""
        asked = sorted(collections)
        if not asked:
            return set()
        if user not in self._admins:
            self._admins[user] = self._is_rodsadmin(user)
        if self._admins[user]:
            return set(asked)
        columns = ["COLL_ACCESS_TYPE", "COLL_ACCESS_USER_ID", "COLL_NAME"]
        rows = self._rows_of(columns, "COLL_NAME", asked)
        access = {name: [(row[0], row[1]) for row in rows if row[2] == name] for name in asked}
        return {name for name in asked if self._has_level(READ_OBJECT, access[name], user)}

    def is_component(self, collection: str) -> bool:
        """Whether a collection has `ova_url`, as far as the client may see; also where its AVUs cannot be read."""
        if self._prefetched is not None and collection in self._prefetched.avus:
            return any(avu.attribute == URL for avu in self._prefetched.avus[collection])
        return bool(self.having([collection], URL))

    def urls_of(self, collections: Sequence[str]) -> list[Avu]:
        """The `ova_url` of these collections, whatever else cannot be read there."""
        columns = ["COLL_NAME", "META_COLL_ATTR_NAME", "META_COLL_ATTR_VALUE"]
        rows = self._readable_rows(
            lambda text: self._rows_of(columns, "COLL_NAME", collections, text),
            beside_collections("META_COLL_ATTR_NAME", URL),
            f"{equals('META_COLL_ATTR_NAME', URL)} AND {_NO_LONG_VALUE}",
        )
        return [Avu(*row) for row in rows if row[0] in collections and row[1] == URL]

    def all_components(self) -> list[tuple[str, str]]:
        """Every collection with `ova_url` that the client sees, outside of the trash, and its owner (name#zone)."""
        columns = ["COLL_NAME", "COLL_OWNER_NAME", "COLL_OWNER_ZONE", "META_COLL_ATTR_NAME"]
        rows = self._rows(columns, equals("META_COLL_ATTR_NAME", URL))
        found = {row[0]: f"{row[1]}#{row[2]}" for row in rows if row[3] == URL and not in_trash(row[0])}
        return sorted(found.items())

    @contextmanager
    def eyes_of(self, user: str) -> Iterator[None]:
        """Within, for an administrator: what is prefetched leaves out the collections that `user` may not see."""
        self._eyes = user
        try:
            yield
        finally:
            self._eyes = None

    def naming(self, attributes: Sequence[str], values: Sequence[str]) -> list[Avu]:
        """The collections' AVUs of these attributes whose value is one of these."""
        columns = ["COLL_NAME", "META_COLL_ATTR_NAME", "META_COLL_ATTR_VALUE"]
        one = next(lists("META_COLL_ATTR_NAME", attributes))
        rows = self._rows_of(columns, "META_COLL_ATTR_VALUE", values, one)
        wanted = set(values)
        return [Avu(*row) for row in rows if row[1] in attributes and row[2] in wanted]

    def likes(self) -> list[Avu]:
        """Every `ova_like` outside of the trash; they are few."""
        return [avu for avu in self.values_like((LIKE,)) if not in_trash(avu.collection)]

    def values_like(self, attributes: Sequence[str], *, start: str = "", end: str = "") -> list[Avu]:
        """The collections' AVUs of these attributes whose value starts and ends so."""
        one = next(lists("META_COLL_ATTR_NAME", attributes))
        pattern = f"{masked(start)}%{masked(end)}"
        columns = ["COLL_NAME", "META_COLL_ATTR_NAME", "META_COLL_ATTR_VALUE"]
        condition = f"{one} AND META_COLL_ATTR_VALUE like '{pattern}'"
        rows = self._readable_rows(
            lambda text: self._rows(columns, text), condition, f"{condition} AND {_NO_LONG_VALUE}"
        )
        return [Avu(*r) for r in rows if r[1] in attributes and r[2].startswith(start) and r[2].endswith(end)]

    def replicas(self, path: str) -> list[Replica]:
        """The replicas of a data object; [] if there is none that the client may see."""
        return self.replicas_of([path])[path]

    def replicas_of(self, paths: Sequence[str]) -> dict[str, list[Replica]]:
        """The replicas of some data objects that the client may see, by path."""
        known = self._prefetched.replicas if self._prefetched is not None else {}
        found: dict[str, list[Replica]] = {path: known.get(path, []) for path in paths}
        missing = [path for path in found if path not in known]
        for row in self._rows_of_objects(_REPLICA, missing):
            found[f"{row[9]}/{row[10]}"].append(_replica(row))
        if self._prefetched is not None:  # the source of many
            known.update(found)
        return found

    def replicas_and_access(self, paths: Sequence[str]) -> dict[str, list[Replica]]:
        """`replicas_of`, and all that `may_read` and its like ask of these objects: one query where they are there."""
        if self._prefetched is not None:
            found = self.replicas_of(paths)
            self.learn_access(paths)
            return found
        found = {path: [] for path in paths}
        columns = [*_REPLICA[:-2], "DATA_ACCESS_TYPE", "DATA_ACCESS_USER_ID", *_REPLICA[-2:]]
        for *row, kind, user_id, collection, name in self._rows_of_objects(columns, paths):
            path, replica = f"{collection}/{name}", _replica(row)
            self._access.setdefault(path, set()).add((kind, user_id))
            if replica not in found[path]:
                found[path].append(replica)
        # No row: it is not there, or nobody has a right to it, which only a query without the rights can tell.
        return {**found, **self.replicas_of([path for path in paths if not found[path]])}

    def _rows_of_objects(self, columns: Sequence[str], paths: Sequence[str]) -> list[list[str]]:
        """Rows about these data objects; the last two columns are COLL_NAME and DATA_NAME. One query for a few."""
        collections = list(lists("COLL_NAME", [path.rpartition("/")[0] for path in paths]))
        objects = list(lists("DATA_NAME", [path.rpartition("/")[2] for path in paths]))
        conditions = [f"{one} AND {two}" for one in collections for two in objects]
        rows = (row for condition in conditions for row in self._rows(columns, condition))
        return [row for row in rows if f"{row[-2]}/{row[-1]}" in paths]

    def may_read(self, path: str, user: str | None = None) -> bool:
        """Whether a user (the client, or name#zone) has read permission on a data object, also through a group."""
        if self._eyes is not None and user is None:
            return True  # an administrator judges; whoever builds is asked for the right
        return self._has_object_level(READ_OBJECT, path, user or self.identity)

    def may_replace(self, path: str) -> bool:
        """Whether the client has write permission on a data object, by itself or through a group."""
        return self._has_object_level(MODIFY_OBJECT, path, self.identity)

    def may_rename(self, path: str) -> bool:
        """Whether the client owns a data object, by itself or through a group."""
        return self._has_object_level(OWN, path, self.identity)

    def may_write(self, collection: str) -> bool:
        """Whether the client may create and replace objects in a collection, by itself or through a group."""
        return self._has_collection_level(MODIFY_OBJECT, collection)

    def may_note(self, collection: str) -> bool:
        """Whether the client may add and remove AVUs of a collection, by itself or through a group."""
        return self._has_collection_level(DELETE_METADATA, collection)

    def learn_access(self, paths: Sequence[str]) -> None:
        """Reads who may do what with some data objects, in one query for what is asked of each later."""
        if self._prefetched is not None and len(paths) > 1:
            return  # one who decides about many asks for the sources only
        columns = ["DATA_ACCESS_TYPE", "DATA_ACCESS_USER_ID", "COLL_NAME", "DATA_NAME"]
        for kind, user_id, collection, name in self._rows_of_objects(
            columns, [p for p in paths if p not in self._access]
        ):
            self._access.setdefault(f"{collection}/{name}", set()).add((kind, user_id))

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
        if user not in self._identities:
            rows = self._rows(["USER_ID", "USER_GROUP_ID", "USER_NAME", "USER_ZONE"], _is_user(user))
            self._identities[user] = frozenset(i for row in rows if f"{row[2]}#{row[3]}" == user for i in row[:2])
        return any(int(kind) >= level and user_id in self._identities[user] for kind, user_id in access)

    def _is_rodsadmin(self, user: str) -> bool:
        rows = self._rows(["USER_TYPE", "USER_NAME", "USER_ZONE"], _is_user(user))
        return any(row[0] == "rodsadmin" and f"{row[1]}#{row[2]}" == user for row in rows)

    def queued_jobs(self, mark: str, text: str) -> int:
        """How many delayed rules of the client hold `text`, looked for by a part of it that can be quoted."""
        rows = self._rows(["RULE_EXEC_ID", "RULE_EXEC_NAME"], f"RULE_EXEC_NAME like '%{masked(mark)}%'")
        return sum(text in row[1] for row in rows)

    def object_avus(self, path: str, attributes: Sequence[str], value: str = "") -> list[ObjectAvu]:
        """The AVUs of a data object that have one of these attributes, and this value if one is given.

        Only what is asked for is read: an image in use by thousands has as many AVUs.
        """
        asked = (path, *attributes, value)
        if self._prefetched is not None and asked in self._prefetched.object_avus:
            return self._prefetched.object_avus[asked]
        collection, _, name = path.rpartition("/")
        columns = ["META_DATA_ATTR_NAME", "META_DATA_ATTR_VALUE", "META_DATA_ATTR_UNITS", "COLL_NAME", "DATA_NAME"]
        conditions = [equals("COLL_NAME", collection), equals("DATA_NAME", name)]
        conditions += [equals("META_DATA_ATTR_VALUE", value)] if value else []
        rows = self._rows_of(columns, "META_DATA_ATTR_NAME", attributes, *conditions)
        right = [row for row in rows if row[3] == collection and row[4] == name]
        found = [ObjectAvu(*row[:3]) for row in right if row[0] in attributes and value in ("", row[1])]
        if self._prefetched is not None:  # the source of many
            self._prefetched.object_avus[asked] = found
        return found

    def packages_below(self, collection: str) -> list[str]:
        """The data objects at or below a collection whose names end in .ova, in any case; sorted."""
        below = collection.rstrip("/") + "/"
        rows = self._rows(["COLL_NAME", "DATA_NAME"], f"{begins('COLL_NAME', collection)} AND {_PACKAGES}")
        found = {f"{row[0]}/{row[1]}" for row in rows if row[0] == collection or row[0].startswith(below)}
        return sorted(path for path in found if looks_like_package(path))

    def having(self, collections: Sequence[str], attribute: str) -> set[str]:
        """Those of these collections that have an AVU of this attribute."""
        return self._having(attribute, lambda is_it: self._rows_of(_HAS, "COLL_NAME", collections, is_it)) & set(
            collections
        )

    def having_below(self, path: str, attribute: str) -> set[str]:
        """The collections below `path` that have an AVU of this attribute; slow where the zone has many."""
        below = f"{path}/"
        found = self._having(attribute, lambda is_it: self._rows(_HAS, f"{is_it} AND {begins('COLL_NAME', below)}"))
        return {name for name in found if name.startswith(below)}

    def _having(self, attribute: str, ask: Callable[[str], list[list[str]]]) -> set[str]:
        column = "META_COLL_ATTR_NAME"
        rows = self._readable_rows(ask, beside_collections(column, attribute), equals(column, attribute))
        return {row[0] for row in rows if row[1] == attribute}

    def children(self, parents: Sequence[str], most: int) -> list[str] | None:
        """The collections right below these; None where there may be more than `most`."""
        found: list[str] = []
        wanted = set(parents)
        for condition in lists("COLL_PARENT_NAME", parents):
            rows = self._rows(["COLL_NAME", "COLL_PARENT_NAME"], condition, most + 1)
            found += [row[0] for row in rows if row[1] in wanted]
            if max(len(rows), len(found)) > most:
                return None
        return found

    def children_having(self, parents: Sequence[str], attribute: str) -> list[str]:
        """The collections right below one of these that have an AVU of this attribute. Asked once for an event."""
        asked = (attribute, *parents)
        if asked not in self._children:
            is_it = equals("META_COLL_ATTR_NAME", attribute)
            columns = ["COLL_NAME", "META_COLL_ATTR_NAME", "COLL_PARENT_NAME"]
            rows = self._rows_of(columns, "COLL_PARENT_NAME", parents, is_it)
            self._children[asked] = sorted({row[0] for row in rows if row[1] == attribute and row[2] in parents})
        return self._children[asked]

    def vault_of(self, resource: str) -> str:
        """The directory of a storage resource's vault."""
        rows = self._rows(["RESC_VAULT_PATH", "RESC_NAME"], equals("RESC_NAME", resource))
        return next(row[0] for row in rows if row[1] == resource)

    def may_note_object(self, path: str) -> bool:
        """Whether the client may add and remove AVUs of a data object, by itself or through a group."""
        return self._has_object_level(DELETE_METADATA, path, self.identity)


def _replica(row: list[str]) -> Replica:
    return Replica(row[0], row[1], row[2], int(row[3]), *row[4:9])


def _is_user(user: str) -> str:
    name, _, zone = user.rpartition("#")
    return f"{equals('USER_NAME', name)} AND {equals('USER_ZONE', zone)}"
