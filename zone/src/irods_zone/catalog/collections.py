"""Collections as rows (R_COLL_MAIN): find, insert, delete, rename with the whole subtree.

Paths are absolute logical paths without a trailing slash. Existence and name clashes are checked here, permissions by
the caller (`access.require`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from irods_zone import paths
from irods_zone.catalog import access
from irods_zone.catalog.database import Database, now
from irods_zone.catalog.users import User
from irods_zone.errors import (
    CAT_COLLECTION_NOT_EMPTY,
    CAT_NAME_EXISTS_AS_COLLECTION,
    CAT_NAME_EXISTS_AS_DATAOBJ,
    CAT_RECURSIVE_MOVE,
    CAT_UNKNOWN_COLLECTION,
    IrodsError,
)

_COLUMNS = (
    "coll_id, coll_name, parent_coll_name, coll_owner_name, coll_owner_zone, coll_inheritance, coll_type,"
    " coll_info1, coll_info2, create_ts, modify_ts"
)


@dataclass(frozen=True)
class Collection:
    """A row of R_COLL_MAIN."""

    id: int
    path: str
    parent: str
    owner: str
    owner_zone: str
    inherit: bool
    type: str
    info1: str
    info2: str
    created: str
    modified: str

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]


def _row(row: tuple[object, ...]) -> Collection:
    number, path, parent, owner, zone, inherit, *rest = row
    texts = ["" if value is None else str(value) for value in rest]
    return Collection(int(str(number)), str(path), str(parent), str(owner), str(zone), inherit == "1", *texts)


def find(db: Database, path: str) -> Collection | None:
    """The collection at that path, or None."""
    row = db.execute(f"SELECT {_COLUMNS} FROM R_COLL_MAIN WHERE coll_name = ?", (path,)).fetchone()  # noqa: S608
    return _row(row) if row else None


def by_id(db: Database, coll_id: int) -> Collection | None:
    """The collection with that id, or None."""
    row = db.execute(f"SELECT {_COLUMNS} FROM R_COLL_MAIN WHERE coll_id = ?", (coll_id,)).fetchone()  # noqa: S608
    return _row(row) if row else None


def require(db: Database, path: str) -> Collection:
    """The collection at that path; IrodsError(CAT_UNKNOWN_COLLECTION) if there is none."""
    found = find(db, path)
    if found is None:
        raise IrodsError(CAT_UNKNOWN_COLLECTION, f"collection '{path}' is unknown")
    return found


def insert(db: Database, user: User, path: str, *, coll_type: str = "", info1: str = "", info2: str = "") -> Collection:
    """Insert a collection of `user` in an existing parent, with the access inherited from the parent.

    CAT_UNKNOWN_COLLECTION (no parent), CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME or CAT_NAME_EXISTS_AS_DATAOBJ.
    """
    parent_path, name = paths.split(path)
    with db.transaction():
        parent = require(db, parent_path)
        if _data_object_there(db, parent.id, name):
            raise IrodsError(CAT_NAME_EXISTS_AS_DATAOBJ, f"'{path}' is a data object")
        number, stamp = db.next_id(), now()
        db.execute(
            "INSERT INTO R_COLL_MAIN (coll_id, parent_coll_name, coll_name, coll_owner_name, coll_owner_zone,"
            " coll_type, coll_info1, coll_info2, coll_inheritance, create_ts, modify_ts)"
            " VALUES (?,?,?,?,?,?,?,?,?,?,?)",
            (
                number,
                parent_path,
                path,
                user.name,
                user.zone,
                coll_type,
                info1,
                info2,
                "1" if parent.inherit else "",
                stamp,
                stamp,
            ),
        )
        access.on_create(db, user, number, parent.id if parent.inherit else None)
    return Collection(
        number,
        path,
        parent_path,
        user.name,
        user.zone,
        parent.inherit,
        coll_type,
        info1,
        info2,
        stamp,
        stamp,
    )


def is_empty(db: Database, collection: Collection) -> bool:
    """Whether nothing, neither collection nor data object, is in it."""
    return not db.execute(
        "SELECT 1 FROM R_COLL_MAIN WHERE parent_coll_name = ? AND coll_name <> '/'"
        " UNION ALL SELECT 1 FROM R_DATA_MAIN WHERE coll_id = ? LIMIT 1",
        (collection.path, collection.id),
    ).fetchone()


def delete(db: Database, collection: Collection) -> None:
    """Delete an empty collection with its access and AVUs; CAT_COLLECTION_NOT_EMPTY otherwise."""
    with db.transaction():
        if not is_empty(db, collection):
            raise IrodsError(CAT_COLLECTION_NOT_EMPTY, f"'{collection.path}' is not empty")
        if not db.execute("DELETE FROM R_COLL_MAIN WHERE coll_id = ?", (collection.id,)).rowcount:
            raise IrodsError(CAT_UNKNOWN_COLLECTION, f"collection '{collection.path}' is unknown")
        db.execute("DELETE FROM R_OBJT_ACCESS WHERE object_id = ?", (collection.id,))
        db.execute("DELETE FROM R_OBJT_METAMAP WHERE object_id = ?", (collection.id,))


def children(db: Database, path: str) -> Iterator[Collection]:
    """The collections directly in a collection, by path."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM R_COLL_MAIN WHERE parent_coll_name = ? AND coll_name <> '/'"  # noqa: S608
        " ORDER BY coll_name",
        (path,),
    )
    return iter([_row(row) for row in rows])


def subtree(db: Database, path: str) -> Iterator[Collection]:
    """The collection at `path` and all below it, parents before their children."""
    low, high = paths.below(path)
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM R_COLL_MAIN WHERE coll_name = ? OR (coll_name >= ? AND coll_name < ?)"  # noqa: S608
        " ORDER BY coll_name",
        (path, low, high),
    )
    return iter([_row(row) for row in rows])


def update(
    db: Database,
    collection: Collection,
    *,
    coll_type: str | None = None,
    info1: str | None = None,
    info2: str | None = None,
    modified: str | None = None,
) -> None:
    """Change a collection's type, its two info texts or its time (default: now)."""
    with db.transaction():
        for column, value in (("coll_type", coll_type), ("coll_info1", info1), ("coll_info2", info2)):
            if value is not None:
                db.execute(f"UPDATE R_COLL_MAIN SET {column} = ? WHERE coll_id = ?", (value, collection.id))  # noqa: S608
        db.execute("UPDATE R_COLL_MAIN SET modify_ts = ? WHERE coll_id = ?", (modified or now(), collection.id))


def rename(db: Database, collection: Collection, new_path: str) -> Collection:
    """Move a collection, with all below it, to `new_path`, whose parent must exist.

    CAT_NAME_EXISTS_AS_COLLECTION, CAT_NAME_EXISTS_AS_DATAOBJ, CAT_RECURSIVE_MOVE (into itself) or
    CAT_UNKNOWN_COLLECTION (no such parent).
    """
    parent_path, name = paths.split(new_path)
    old = collection.path
    if (parent_path + "/").startswith(old + "/"):
        raise IrodsError(CAT_RECURSIVE_MOVE, f"'{new_path}' is inside '{old}'")
    with db.transaction():
        parent = require(db, parent_path)
        if find(db, new_path):
            raise IrodsError(CAT_NAME_EXISTS_AS_COLLECTION, f"'{new_path}' is a collection")
        if _data_object_there(db, parent.id, name):
            raise IrodsError(CAT_NAME_EXISTS_AS_DATAOBJ, f"'{new_path}' is a data object")
        db.execute(
            "UPDATE R_COLL_MAIN SET coll_name = ?, parent_coll_name = ?, modify_ts = ? WHERE coll_id = ?",
            (new_path, parent_path, now(), collection.id),
        )
        low, high = paths.below(old)
        tail = len(old) + 1
        db.execute(
            "UPDATE R_COLL_MAIN SET coll_name = ? || substr(coll_name, ?),"
            " parent_coll_name = ? || substr(parent_coll_name, ?) WHERE coll_name >= ? AND coll_name < ?",
            (new_path, tail, new_path, tail, low, high),
        )
    return require(db, new_path)


def _data_object_there(db: Database, coll_id: int, name: str) -> bool:
    found = db.execute("SELECT 1 FROM R_DATA_MAIN WHERE coll_id = ? AND data_name = ? LIMIT 1", (coll_id, name))
    return found.fetchone() is not None
