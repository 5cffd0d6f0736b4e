"""Data objects as rows: one row of R_DATA_MAIN per replica.

Times are the catalog's eleven digits. Existence and name clashes are checked here, permissions and the rules of
replica states by the caller.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from irods_zone import paths
from irods_zone.catalog import access, collections
from irods_zone.catalog.database import Database, now
from irods_zone.catalog.users import User
from irods_zone.errors import (
    CAT_INVALID_DATA_TYPE,
    CAT_NAME_EXISTS_AS_COLLECTION,
    CAT_NAME_EXISTS_AS_DATAOBJ,
    CAT_UNKNOWN_FILE,
    SYS_REPLICA_DOES_NOT_EXIST,
    SYS_RESC_DOES_NOT_EXIST,
    IrodsError,
)

NO_EXPIRY = "00000000000"
# The initial values of every replica; the last three are a real server's values of the columns that resc_id replaced.
_CONSTANT = {
    "data_version": "",
    "data_expiry_ts": NO_EXPIRY,
    "resc_name": "EMPTY_RESC_NAME",
    "resc_hier": "EMPTY_RESC_HIER",
    "resc_group_name": "EMPTY_RESC_GROUP_NAME",
}


class ReplicaStatus(IntEnum):
    """The states of a replica (DATA_REPL_STATUS)."""

    STALE = 0
    GOOD = 1
    INTERMEDIATE = 2
    READ_LOCKED = 3
    WRITE_LOCKED = 4


@dataclass(frozen=True)
class Replica:
    """One replica of a data object."""

    data_id: int
    coll_id: int
    collection: str
    name: str
    repl_num: int
    size: int
    status: int
    path: str
    resc_id: int
    resc: str
    hierarchy: str
    vault: str
    host: str
    owner: str
    owner_zone: str
    checksum: str
    mode: str
    data_type: str
    version: str
    comment: str
    status_text: str
    expiry: str
    map_id: int
    created: str
    modified: str
    accessed: str

    @property
    def logical_path(self) -> str:
        """The data object's path."""
        return f"{self.collection.rstrip('/')}/{self.name}"

    @property
    def is_in_vault(self) -> bool:
        """Whether its file is in its resource's vault. A registered file elsewhere is left alone."""
        return bool(self.vault) and self.path.startswith(self.vault.rstrip("/") + "/")

    def is_on(self, resource: str) -> bool:
        """Whether `resource` is this replica's hierarchy or a resource in it."""
        return resource == self.hierarchy or resource in self.hierarchy.split(";")


_SELECT = (
    "SELECT d.data_id, d.coll_id, c.coll_name, d.data_name, d.data_repl_num, d.data_size, d.data_is_dirty, d.data_path,"
    " d.resc_id, coalesce(r.resc_name, ''), coalesce(r.hierarchy, ''), coalesce(r.resc_def_path, ''),"
    " coalesce(r.resc_net, ''), d.data_owner_name, d.data_owner_zone, d.data_checksum, d.data_mode, d.data_type_name,"
    " d.data_version, d.r_comment, d.data_status, d.data_expiry_ts, d.data_map_id, d.create_ts, d.modify_ts,"
    " d.access_ts"
    " FROM R_DATA_MAIN d JOIN R_COLL_MAIN c ON c.coll_id = d.coll_id LEFT JOIN R_RESC_MAIN r ON r.resc_id = d.resc_id"
)
# Field of Replica -> column, for `update`.
_COLUMN_OF = {
    "size": "data_size",
    "status": "data_is_dirty",
    "path": "data_path",
    "resc_id": "resc_id",
    "repl_num": "data_repl_num",
    "owner": "data_owner_name",
    "owner_zone": "data_owner_zone",
    "checksum": "data_checksum",
    "mode": "data_mode",
    "data_type": "data_type_name",
    "version": "data_version",
    "comment": "r_comment",
    "status_text": "data_status",
    "expiry": "data_expiry_ts",
    "map_id": "data_map_id",
    "created": "create_ts",
    "modified": "modify_ts",
    "accessed": "access_ts",
}


def _row(row: tuple[Any, ...]) -> Replica:
    values: list[Any] = ["" if value is None else value for value in row]
    return Replica(*values)


def find(db: Database, path: str) -> list[Replica]:
    """The replicas of the data object at that path, by number; empty if there is none."""
    parent, name = paths.split(path)
    rows = db.execute(f"{_SELECT} WHERE c.coll_name = ? AND d.data_name = ? ORDER BY d.data_repl_num", (parent, name))
    return [_row(row) for row in rows]


def require(db: Database, path: str) -> list[Replica]:
    """As `find`, but IrodsError(CAT_UNKNOWN_FILE) if there is no such data object."""
    replicas = find(db, path)
    if not replicas:
        raise IrodsError(CAT_UNKNOWN_FILE, f"data object '{path}' is unknown")
    return replicas


def by_id(db: Database, data_id: int) -> list[Replica]:
    """The replicas of the data object with that id, by number."""
    return [_row(row) for row in db.execute(f"{_SELECT} WHERE d.data_id = ? ORDER BY d.data_repl_num", (data_id,))]


def replica(db: Database, data_id: int, repl_num: int) -> Replica:
    """One replica, read again; IrodsError(SYS_REPLICA_DOES_NOT_EXIST) if it no longer exists."""
    row = db.execute(f"{_SELECT} WHERE d.data_id = ? AND d.data_repl_num = ?", (data_id, repl_num)).fetchone()
    if row is None:
        raise IrodsError(SYS_REPLICA_DOES_NOT_EXIST, f"data object {data_id} has no replica {repl_num}")
    return _row(row)


def exists(db: Database, path: str) -> bool:
    """Whether a data object has that path."""
    parent, name = paths.split(path)
    row = db.execute(
        "SELECT 1 FROM R_DATA_MAIN WHERE data_name = ?"
        " AND coll_id = (SELECT coll_id FROM R_COLL_MAIN WHERE coll_name = ?) LIMIT 1",
        (name, parent),
    ).fetchone()
    return row is not None


def insert(
    db: Database,
    user: User,
    path: str,
    *,
    resc: str,
    physical_path: str,
    size: int = 0,
    status: int = ReplicaStatus.INTERMEDIATE,
    mode: str = "",
    data_type: str = "generic",
    checksum: str = "",
    created: str = "",
    modified: str = "",
    repl_num: int = 0,
    comment: str = "",
) -> Replica:
    """Insert a data object of `user` with its first replica, and the access inherited from its collection.

    CAT_UNKNOWN_COLLECTION, CAT_NAME_EXISTS_AS_COLLECTION, CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME,
    SYS_RESC_DOES_NOT_EXIST or CAT_INVALID_DATA_TYPE.
    """
    parent_path, name = paths.split(path)
    with db.transaction():
        parent = collections.require(db, parent_path)
        if collections.find(db, path):
            raise IrodsError(CAT_NAME_EXISTS_AS_COLLECTION, f"'{path}' is a collection")
        _require_type(db, data_type)
        data_id, stamp = db.next_id(), now()
        created = created or stamp
        modified = modified or stamp
        _insert_row(
            db,
            data_id=data_id,
            coll_id=parent.id,
            data_name=name,
            data_repl_num=repl_num,
            data_type_name=data_type,
            data_size=size,
            resc_id=_resource_id(db, resc),
            data_path=physical_path,
            data_owner_name=user.name,
            data_owner_zone=user.zone,
            data_is_dirty=int(status),
            data_checksum=checksum,
            data_mode=mode,
            r_comment=comment,
            create_ts=created,
            modify_ts=modified,
            access_ts=stamp,
        )
        access.on_create(db, user, data_id, parent.id if parent.inherit else None)
        return replica(db, data_id, repl_num)


def add_replica(
    db: Database,
    source: Replica,
    *,
    resc: str,
    physical_path: str,
    size: int | None = None,
    status: int = ReplicaStatus.INTERMEDIATE,
    checksum: str = "",
    repl_num: int | None = None,
) -> Replica:
    """Insert one more replica of the data object of `source`; it gets the next free number."""
    with db.transaction():
        if repl_num is None:
            highest = db.execute("SELECT max(data_repl_num) FROM R_DATA_MAIN WHERE data_id = ?", (source.data_id,))
            repl_num = int(highest.fetchone()[0]) + 1
        _insert_row(
            db,
            data_id=source.data_id,
            coll_id=source.coll_id,
            data_name=source.name,
            data_repl_num=repl_num,
            data_type_name=source.data_type,
            data_size=source.size if size is None else size,
            resc_id=_resource_id(db, resc),
            data_path=physical_path,
            data_owner_name=source.owner,
            data_owner_zone=source.owner_zone,
            data_is_dirty=int(status),
            data_checksum=checksum,
            data_mode=source.mode,
            r_comment=source.comment,
            create_ts=source.created,
            modify_ts=source.modified,
            access_ts=now(),
        )
        return replica(db, source.data_id, repl_num)


def _insert_row(db: Database, **values: Any) -> None:
    values.update(_CONSTANT)
    columns, marks = ", ".join(values), ", ".join("?" * len(values))
    db.execute(f"INSERT INTO R_DATA_MAIN ({columns}) VALUES ({marks})", tuple(values.values()))  # noqa: S608


def update(db: Database, target: Replica, **changes: Any) -> Replica:
    """Change fields of one replica (named as in `Replica`: size, status, path, checksum, modified, …)."""
    columns = ", ".join(f"{_COLUMN_OF[name]} = ?" for name in changes)
    with db.transaction():
        if "data_type" in changes:
            _require_type(db, changes["data_type"])
        found = db.execute(
            f"UPDATE R_DATA_MAIN SET {columns} WHERE data_id = ? AND data_repl_num = ?",  # noqa: S608 - names of ours
            (*changes.values(), target.data_id, target.repl_num),
        ).rowcount
        if not found:
            raise IrodsError(SYS_REPLICA_DOES_NOT_EXIST, f"'{target.logical_path}' has no replica {target.repl_num}")
        return replica(db, target.data_id, int(changes.get("repl_num", target.repl_num)))


def update_all(db: Database, data_id: int, **changes: Any) -> None:
    """Change fields of every replica of a data object."""
    columns = ", ".join(f"{_COLUMN_OF[name]} = ?" for name in changes)
    with db.transaction():
        db.execute(f"UPDATE R_DATA_MAIN SET {columns} WHERE data_id = ?", (*changes.values(), data_id))  # noqa: S608


def delete(db: Database, target: Replica) -> bool:
    """Delete one replica, and after the last one the access rows and AVUs. Returns whether it was the last."""
    with db.transaction():
        db.execute("DELETE FROM R_DATA_MAIN WHERE data_id = ? AND data_repl_num = ?", (target.data_id, target.repl_num))
        if db.execute("SELECT 1 FROM R_DATA_MAIN WHERE data_id = ? LIMIT 1", (target.data_id,)).fetchone():
            return False
        db.execute("DELETE FROM R_OBJT_ACCESS WHERE object_id = ?", (target.data_id,))
        db.execute("DELETE FROM R_OBJT_METAMAP WHERE object_id = ?", (target.data_id,))
        return True


def list_collection(db: Database, path: str) -> Iterator[Replica]:
    """The replicas of the data objects directly in a collection, by name and number."""
    rows = db.execute(f"{_SELECT} WHERE c.coll_name = ? ORDER BY d.data_name, d.data_repl_num", (path,))
    return iter([_row(row) for row in rows])


def list_subtree(db: Database, path: str) -> Iterator[Replica]:
    """The replicas of all data objects in a collection and below it."""
    low, high = paths.below(path)
    rows = db.execute(
        f"{_SELECT} WHERE c.coll_name = ? OR (c.coll_name >= ? AND c.coll_name < ?)"
        " ORDER BY c.coll_name, d.data_name, d.data_repl_num",
        (path, low, high),
    )
    return iter([_row(row) for row in rows])


def rename(db: Database, data_id: int, new_path: str) -> None:
    """Give a data object (all its replicas) another path, whose collection must exist.

    CAT_NAME_EXISTS_AS_DATAOBJ, CAT_NAME_EXISTS_AS_COLLECTION or CAT_UNKNOWN_COLLECTION.
    """
    parent_path, name = paths.split(new_path)
    with db.transaction():
        parent = collections.require(db, parent_path)
        old = db.execute("SELECT coll_id FROM R_DATA_MAIN WHERE data_id = ? LIMIT 1", (data_id,)).fetchone()
        if old is None:
            raise IrodsError(CAT_UNKNOWN_FILE, f"there is no data object {data_id}")
        if exists(db, new_path):
            raise IrodsError(CAT_NAME_EXISTS_AS_DATAOBJ, f"'{new_path}' is a data object")
        if collections.find(db, new_path):
            raise IrodsError(CAT_NAME_EXISTS_AS_COLLECTION, f"'{new_path}' is a collection")
        db.execute("UPDATE R_DATA_MAIN SET data_name = ?, coll_id = ? WHERE data_id = ?", (name, parent.id, data_id))
        if old[0] != parent.id:
            db.execute("UPDATE R_DATA_MAIN SET modify_ts = ? WHERE data_id = ?", (now(), data_id))
        db.execute("UPDATE R_COLL_MAIN SET modify_ts = ? WHERE coll_id = ?", (now(), parent.id))


def _require_type(db: Database, data_type: str) -> None:
    if not db.has_token("data_type", data_type):
        raise IrodsError(CAT_INVALID_DATA_TYPE, f"data type '{data_type}' is not known")


def _resource_id(db: Database, name: str) -> int:
    row = db.execute(
        "SELECT resc_id FROM R_RESC_MAIN WHERE resc_name = ? AND zone_name = ?", (name, db.zone)
    ).fetchone()
    if row is None:
        raise IrodsError(SYS_RESC_DOES_NOT_EXIST, f"resource '{name}' does not exist")
    return int(row[0])
