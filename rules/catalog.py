"""The one wrapper through which the rules talk to iRODS: queries, microservices, the log and refusals.

A microservice that fails leaves its error on the user's terminal even if the exception is caught, so everything here
that can be looked up is looked up first. Queries run as the client, see what the client may see, and bind nothing:
whatever cannot be quoted in a GenQuery string is matched with wildcards and compared again here.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rules.names import URL, looks_like_package

READ_OBJECT = 1050
DELETE_METADATA = 1090
MODIFY_OBJECT = 1120
OWN = 1200
ADMINISTRATOR = 5  # authFlag of a local rodsadmin

GOOD = "1"
STALE = "0"

DELAY_INSTANCE = "irods_rule_engine_plugin-python-instance"
_BACK_OFF = "10s DOUBLE UNTIL SUCCESS OR 6 TIMES"  # a failed job runs again after 10, 20, 40 … seconds


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


class Catalog:
    """iRODS as the client of this agent sees it. Not for use from other threads."""

    def __init__(self, callback: Any, rei: Any, cause: str = "") -> None:
        self._callback = callback
        self.cause = cause  # of the event, for the journal
        self.user = str(rei.uoic.userName)
        self.zone = str(rei.uoic.rodsZone)
        self.is_administrator = int(rei.uoic.authInfo.authFlag) >= ADMINISTRATOR
        # A Catalog lives for one event, so what it has learnt holds.
        self._identities: dict[str, frozenset[str]] = {}
        self._levels: dict[tuple[str, int, str], bool] = {}
        self._ids: dict[str, str] = {}

    @property
    def identity(self) -> str:
        """The client as `name#zone`."""
        return f"{self.user}#{self.zone}"

    # ---- queries -------------------------------------------------------------------------------------------------

    def _rows(self, columns: Sequence[str], condition: str) -> list[list[str]]:
        from genquery import AS_LIST, Query

        return [list(row) for row in Query(self._callback, list(columns), condition, AS_LIST)]

    def avus(self, collections: Sequence[str]) -> list[Avu]:
        """Every AVU of these collections that the client may see."""
        if not collections:
            return []
        rows = self._rows(
            ["COLL_NAME", "META_COLL_ATTR_NAME", "META_COLL_ATTR_VALUE", "META_COLL_ATTR_UNITS", "COLL_ID"],
            one_of("COLL_NAME", collections),
        )
        wanted = set(collections)
        self._ids.update({row[0]: row[4] for row in rows})
        return [Avu(*row[:4]) for row in rows if row[0] in wanted]

    def collection_id(self, collection: str) -> str:
        """The number of a collection whose AVUs were read; it stays when the collection is renamed."""
        return self._ids[collection]

    def visible(self, collections: Sequence[str]) -> set[str]:
        """Those of these collections that the client may see."""
        if not collections:
            return set()
        rows = self._rows(["COLL_NAME"], one_of("COLL_NAME", collections))
        return {row[0] for row in rows} & set(collections)

    def visible_to(self, user: str, collections: Iterable[str]) -> set[str]:
        """Those of these collections that `user` (name#zone) may read; the client must see them itself."""
        asked = sorted(collections)
        if not asked:
            return set()
        if self._is_rodsadmin(user):
            return set(asked)
        columns = ["COLL_ACCESS_TYPE", "COLL_ACCESS_USER_ID", "COLL_NAME"]
        rows = self._rows(columns, one_of("COLL_NAME", asked))
        access = {name: [(row[0], row[1]) for row in rows if row[2] == name] for name in asked}
        return {name for name in asked if self._has_level(READ_OBJECT, access[name], user)}

    def is_component(self, collection: str) -> bool:
        """Whether a collection has `ova_url`, as far as the client may see."""
        return any(avu.attribute == URL for avu in self.avus([collection]))

    def components_below(self, path: str) -> list[str]:
        """The collections at or below `path` that have `ova_url`, sorted."""
        below = path.rstrip("/") + "/"
        condition = f"{equals('META_COLL_ATTR_NAME', URL)} AND {equals('COLL_NAME', path)} || like '{masked(below)}%'"
        rows = self._rows(["COLL_NAME", "META_COLL_ATTR_NAME"], condition)
        return sorted({row[0] for row in rows if row[1] == URL and (row[0] == path or row[0].startswith(below))})

    def collections_with(self, attributes: Sequence[str], value: str) -> list[str]:
        """The collections that have one of these attributes with this value, sorted."""
        condition = f"{one_of('META_COLL_ATTR_NAME', attributes)} AND {equals('META_COLL_ATTR_VALUE', value)}"
        rows = self._rows(["COLL_NAME", "META_COLL_ATTR_NAME", "META_COLL_ATTR_VALUE"], condition)
        return sorted({row[0] for row in rows if row[1] in attributes and row[2] == value})

    def naming(self, attributes: Sequence[str], values: Sequence[str], below: str = "") -> list[Avu]:
        """The collections' AVUs of these attributes whose value is one of these, or a path below `below`."""
        start = below.rstrip("/") + "/"
        condition = f"{one_of('META_COLL_ATTR_NAME', attributes)} AND META_COLL_ATTR_VALUE"
        condition += " || ".join(
            [*(equals("", value) for value in values), *([f" like '{masked(start)}%'"] * bool(below))]
        )
        rows = self._rows(["COLL_NAME", "META_COLL_ATTR_NAME", "META_COLL_ATTR_VALUE"], condition)
        wanted = set(values)
        return [
            Avu(*row)
            for row in rows
            if row[1] in attributes and (row[2] in wanted or (below and row[2].startswith(start)))
        ]

    def values_like(self, attributes: Sequence[str], *, start: str = "", end: str = "") -> list[Avu]:
        """The collections' AVUs of these attributes whose value starts and ends so."""
        pattern = f"{masked(start)}%{masked(end)}"
        condition = f"{one_of('META_COLL_ATTR_NAME', attributes)} AND META_COLL_ATTR_VALUE like '{pattern}'"
        rows = self._rows(["COLL_NAME", "META_COLL_ATTR_NAME", "META_COLL_ATTR_VALUE"], condition)
        return [Avu(*r) for r in rows if r[1] in attributes and r[2].startswith(start) and r[2].endswith(end)]

    def replicas(self, path: str) -> list[Replica]:
        """The replicas of a data object; [] if there is none that the client may see."""
        collection, _, name = path.rpartition("/")
        columns = ["DATA_ID", "DATA_REPL_NUM", "DATA_REPL_STATUS", "DATA_SIZE", "DATA_MODIFY_TIME", "DATA_CHECKSUM"]
        columns += ["DATA_PATH", "RESC_LOC", "DATA_RESC_HIER", "COLL_NAME", "DATA_NAME"]
        rows = self._rows(columns, f"{equals('COLL_NAME', collection)} AND {equals('DATA_NAME', name)}")
        return [
            Replica(row[0], row[1], row[2], int(row[3]), *row[4:9])
            for row in rows
            if row[9] == collection and row[10] == name
        ]

    def may_read(self, path: str, user: str | None = None) -> bool:
        """Whether a user (the client, or name#zone) has read permission on a data object, also through a group."""
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

    def _has_object_level(self, level: int, path: str, user: str) -> bool:
        known = self._levels.get((path, level, user))
        if known is None:
            known = self._levels[path, level, user] = self._look_up_object_level(level, path, user)
        return known

    def _look_up_object_level(self, level: int, path: str, user: str) -> bool:
        collection, _, name = path.rpartition("/")
        rows = self._rows(
            ["DATA_ACCESS_TYPE", "DATA_ACCESS_USER_ID", "COLL_NAME", "DATA_NAME"],
            f"{equals('COLL_NAME', collection)} AND {equals('DATA_NAME', name)}",
        )
        return self._has_level(level, [(r[0], r[1]) for r in rows if r[2] == collection and r[3] == name], user)

    def _has_collection_level(self, level: int, collection: str) -> bool:
        rows = self._rows(["COLL_ACCESS_TYPE", "COLL_ACCESS_USER_ID", "COLL_NAME"], equals("COLL_NAME", collection))
        return self._has_level(level, [(r[0], r[1]) for r in rows if r[2] == collection], self.identity)

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

    # ---- data objects --------------------------------------------------------------------------------------------

    def create(self, path: str, resource: str) -> int:
        """A new data object, open for writing; its replica is intermediate until close. The descriptor."""
        reply = self._callback.msiDataObjCreate(path, f"destRescName={resource}++++forceFlag=", 0)
        return int(reply["arguments"][2])

    def open_for_write(self, path: str, replica: Replica) -> int:
        """The descriptor of a replica, locked against others until close, which makes the other replicas stale."""
        reply = self._callback.msiDataObjOpen(f"objPath={path}++++replNum={replica.number}++++openFlags=O_RDWR", 0)
        return int(reply["arguments"][1])

    def write(self, descriptor: int, text: str) -> None:
        """Writes through the descriptor, that is to the file it was opened on."""
        self._callback.msiDataObjWrite(descriptor, text, 0)

    def close(self, descriptor: int) -> None:
        """Closes; the server takes the size from the file now at the vault path."""
        self._callback.msiDataObjClose(descriptor, 0)

    def touch(self, path: str) -> None:
        """Proves write permission on an object and renews its modify time."""
        request = {"logical_path": path, "options": {"no_create": True}}
        self._callback.msi_touch(json.dumps(request))

    def unlink(self, path: str) -> None:
        """Removes a data object, not into the trash."""
        self._callback.msiDataObjUnlink(f"objPath={path}++++forceFlag=", 0)

    def rename(self, source: str, target: str) -> None:
        """Renames a data object; works also on one that a dead agent left intermediate."""
        self._callback.msiDataObjRename(source, target, "0", 0)

    # ---- AVUs of data objects ------------------------------------------------------------------------------------

    def object_avus(self, path: str) -> list[ObjectAvu]:
        """Every AVU of a data object that the client may see."""
        collection, _, name = path.rpartition("/")
        columns = ["META_DATA_ATTR_NAME", "META_DATA_ATTR_VALUE", "META_DATA_ATTR_UNITS", "COLL_NAME", "DATA_NAME"]
        rows = self._rows(columns, f"{equals('COLL_NAME', collection)} AND {equals('DATA_NAME', name)}")
        return [ObjectAvu(*row[:3]) for row in rows if row[3] == collection and row[4] == name]

    def packages_below(self, collection: str) -> list[str]:
        """The data objects at or below a collection whose names end in .ova, in any case; sorted."""
        below = collection.rstrip("/") + "/"
        place = f"{equals('COLL_NAME', collection)} || like '{masked(below)}%'"
        rows = self._rows(["COLL_NAME", "DATA_NAME"], f"{place} AND DATA_NAME like '%.___'")
        found = {f"{row[0]}/{row[1]}" for row in rows if row[0] == collection or row[0].startswith(below)}
        return sorted(path for path in found if looks_like_package(path))

    def having(self, collections: Sequence[str], attribute: str) -> set[str]:
        """Those of these collections that have an AVU of this attribute."""
        condition = f"{one_of('COLL_NAME', collections)} AND {equals('META_COLL_ATTR_NAME', attribute)}"
        rows = self._rows(["COLL_NAME", "META_COLL_ATTR_NAME"], condition) if collections else []
        return {row[0] for row in rows if row[1] == attribute} & set(collections)

    def may_note_object(self, path: str) -> bool:
        """Whether the client may add and remove AVUs of a data object, by itself or through a group."""
        return self._has_object_level(DELETE_METADATA, path, self.identity)

    def change_object_avus(self, path: str, remove: Sequence[ObjectAvu], add: Sequence[ObjectAvu]) -> None:
        """Replaces AVUs of a data object in one transaction, silently (no hook runs)."""
        self._apply("data_object", path, remove, add)

    # ---- facts, jobs, words --------------------------------------------------------------------------------------

    def make_collection(self, path: str) -> None:
        """A new collection; those above it must be there."""
        self._callback.msiCollCreate(path, "0", 0)

    def change_facts(self, collection: str, remove: Sequence[Avu], add: Sequence[Avu]) -> None:
        """Replaces AVUs of a collection in one transaction, silently (no hook runs)."""
        self._apply("collection", collection, remove, add)

    def _apply(self, kind: str, path: str, remove: Sequence[Avu | ObjectAvu], add: Sequence[Avu | ObjectAvu]) -> None:
        operations = [_operation("remove", avu) for avu in remove] + [_operation("add", avu) for avu in add]
        if operations:
            request = {"entity_name": path, "entity_type": kind, "operations": operations}
            self._callback.msi_atomic_apply_metadata_operations(json.dumps(request), "")

    def delay(self, text: str) -> None:
        """Queues Python text as the client, to run soon and again if it fails."""
        conditions = f"<INST_NAME>{DELAY_INSTANCE}</INST_NAME><PLUSET>1s</PLUSET><EF>{_BACK_OFF}</EF>"
        self._callback.delayExec(conditions, text, "")

    def log(self, text: str) -> None:
        """One line in the server log, as it is."""
        self._callback.writeLine("serverLog", text)

    def journal(self, kind: str, **fields: object) -> None:
        """One line of JSON in the server log: what was ours (`ova`), what caused it, and for whom."""
        self.log(json.dumps({"ova": kind, "cause": self.cause, "user": self.identity, **fields}))


def refuse(callback: Any, code: int, text: str) -> int:
    """`Level 0: text` at the client; the hook must return the code, which is what denies."""
    with contextlib.suppress(RuntimeError):  # how msiExit returns: the text now stands on the client's error stack
        callback.msiExit(str(code), text)
    return code


def _operation(kind: str, avu: Avu | ObjectAvu) -> dict[str, str]:
    return {"operation": kind, "attribute": avu.attribute, "value": avu.value, "units": avu.units}


def _is_user(user: str) -> str:
    name, _, zone = user.rpartition("#")
    return f"{equals('USER_NAME', name)} AND {equals('USER_ZONE', zone)}"


def masked(text: str) -> str:
    """`text` for a LIKE pattern in single quotes: what cannot be quoted there becomes a one-character wildcard."""
    return "".join("_" if c in "'\\" or ord(c) < 32 else c for c in text)


def equals(column: str, value: str) -> str:
    """The condition `column = value`; where the value cannot be quoted, one that lets more pass (compare again)."""
    mask = masked(value)
    return f"{column} = '{value}'" if mask == value else f"{column} like '{mask}'"


def one_of(column: str, values: Sequence[str]) -> str:
    """The condition that a column has one of these values; may let more pass (compare again)."""
    if all(masked(value) == value for value in values) and len(values) > 1:
        return f"{column} in ({', '.join(quoted(value) for value in values)})"
    return column + " || ".join(equals("", value) for value in values)


def quoted(value: str) -> str:
    """`value` in the single quotes of GenQuery; it must hold none."""
    return f"'{value}'"
