"""Who may do what: access levels on collections and data objects (R_OBJT_ACCESS).

A level is a number; a higher one includes the lower ones. A user has the highest of their own level and those of their
groups, on the object itself: iRODS ignores the collections above. Administrators have no implicit level: they act on
others' objects only if an operation has an admin mode.
"""

from __future__ import annotations

from dataclasses import dataclass

from irods_zone import paths
from irods_zone.catalog import users
from irods_zone.catalog.database import Database, now
from irods_zone.catalog.tokens import ACCESS_LEVELS
from irods_zone.catalog.users import User
from irods_zone.errors import (
    CAT_INVALID_ARGUMENT,
    CAT_NO_ACCESS_PERMISSION,
    CAT_UNKNOWN_COLLECTION,
    CAT_UNKNOWN_FILE,
    ClientMessageError,
    IrodsError,
)

NULL = ACCESS_LEVELS["null"]
READ_METADATA = ACCESS_LEVELS["read_metadata"]
READ_OBJECT = ACCESS_LEVELS["read_object"]
CREATE_METADATA = ACCESS_LEVELS["create_metadata"]
MODIFY_METADATA = ACCESS_LEVELS["modify_metadata"]
DELETE_METADATA = ACCESS_LEVELS["delete_metadata"]
CREATE_OBJECT = ACCESS_LEVELS["create_object"]
MODIFY_OBJECT = ACCESS_LEVELS["modify_object"]
DELETE_OBJECT = ACCESS_LEVELS["delete_object"]
OWN = ACCESS_LEVELS["own"]

# What clients may request, besides the names of the levels themselves.
_ALIASES = {"read": READ_OBJECT, "write": MODIFY_OBJECT}
_ADMIN_PREFIX = "admin:"


@dataclass(frozen=True)
class AccessRow:
    """One line of `ils -A`."""

    user: User
    level: int

    @property
    def name(self) -> str:
        """The level's name, as the catalog spells it."""
        return level_name(self.level)


def level_name(level: int) -> str:
    """The catalog's name of a level, e.g. read_object."""
    return next((name for name, number in ACCESS_LEVELS.items() if number == level), str(level))


def level_of(db: Database, user: User, object_id: int) -> int:
    """The highest level that a user has on an object, themselves or through groups; 0 if none."""
    row = db.execute(
        "SELECT max(a.access_type_id) FROM R_OBJT_ACCESS a JOIN R_USER_GROUP g ON g.group_user_id = a.user_id"
        " JOIN R_USER_MAIN u ON u.user_id = g.user_id"
        " WHERE a.object_id = ? AND g.user_id = ? AND u.user_type_name <> 'rodsgroup'",
        (object_id, user.id),
    ).fetchone()
    return int(row[0] or 0)


def require(db: Database, user: User, object_id: int, level: int) -> None:
    """IrodsError(CAT_NO_ACCESS_PERMISSION) unless the user has at least that level on the object."""
    if level_of(db, user, object_id) < level:
        raise IrodsError(CAT_NO_ACCESS_PERMISSION)


def require_collection(db: Database, user: User, path: str, level: int, *, admin: bool = False) -> int:
    """The id of a collection that the user has `level` on; CAT_UNKNOWN_COLLECTION or CAT_NO_ACCESS_PERMISSION."""
    row = db.execute("SELECT coll_id FROM R_COLL_MAIN WHERE coll_name = ?", (path,)).fetchone()
    if row is None:
        raise ClientMessageError(CAT_UNKNOWN_COLLECTION, f"collection '{path}' is unknown")
    if not admin:
        require(db, user, row[0], level)
    return int(row[0])


def require_object(db: Database, user: User, path: str, level: int, *, admin: bool = False) -> int:
    """The id of a data object that the user has `level` on; CAT_UNKNOWN_FILE or CAT_NO_ACCESS_PERMISSION."""
    parent, name = paths.split(path)
    row = db.execute(
        "SELECT d.data_id FROM R_COLL_MAIN c JOIN R_DATA_MAIN d ON d.coll_id = c.coll_id"
        " WHERE c.coll_name = ? AND d.data_name = ? LIMIT 1",
        (parent, name),
    ).fetchone()
    if row is None:
        raise IrodsError(CAT_UNKNOWN_FILE, f"data object '{path}' is unknown")
    if not admin:
        require(db, user, row[0], level)
    return int(row[0])


def on_create(db: Database, user: User, object_id: int, inherit_from: int | None) -> None:
    """Access rows of a new object: the creator owns it, or, in a collection with inheritance, the collection's rows.

    With inheritance the creator gets no row of their own, as on the real server.
    """
    stamp = now()
    with db.transaction():
        if inherit_from is None:
            db.execute("INSERT INTO R_OBJT_ACCESS VALUES (?,?,?,?,?)", (object_id, user.id, OWN, stamp, stamp))
        else:
            db.execute(
                "INSERT INTO R_OBJT_ACCESS SELECT ?, user_id, access_type_id, ?, ? FROM R_OBJT_ACCESS"
                " WHERE object_id = ?",
                (object_id, stamp, stamp, inherit_from),
            )


def list_access(db: Database, object_id: int) -> list[AccessRow]:
    """The users and their levels on an object."""
    rows = db.execute(
        "SELECT u.user_id, u.user_name, u.zone_name, u.user_type_name, a.access_type_id FROM R_OBJT_ACCESS a"
        " JOIN R_USER_MAIN u ON u.user_id = a.user_id WHERE a.object_id = ? ORDER BY u.user_name",
        (object_id,),
    )
    return [AccessRow(User(*row[:4]), row[4]) for row in rows]


def set_level(db: Database, object_id: int, user_id: int, level: int) -> None:
    """Replace the level of a user or group on one object; NULL removes it. Checks nothing."""
    with db.transaction():
        db.execute("DELETE FROM R_OBJT_ACCESS WHERE object_id = ? AND user_id = ?", (object_id, user_id))
        if level > NULL:
            stamp = now()
            db.execute("INSERT INTO R_OBJT_ACCESS VALUES (?,?,?,?,?)", (object_id, user_id, level, stamp, stamp))


def set_access(
    db: Database, actor: User, level: str, user_name: str, zone: str, path: str, *, recursive: bool = False
) -> None:
    """Do what ichmod requests, with its checks: the actor must own the path (or be an administrator with `admin:`).

    level: null, read, write, own, one of the levels' names, inherit or noinherit, perhaps after `admin:`.
    Errors: CAT_INVALID_ARGUMENT (no such level; no such path; recursion on a data object), CAT_INVALID_USER,
    CAT_NO_ACCESS_PERMISSION, CAT_UNKNOWN_FILE.
    """
    admin = level.startswith(_ADMIN_PREFIX)
    if admin:
        if not actor.is_admin:
            raise ClientMessageError(CAT_NO_ACCESS_PERMISSION, "You must be the admin to use the -M admin mode")
        level = level[len(_ADMIN_PREFIX) :]
    inherit = {"inherit": "1", "noinherit": "0"}.get(level)
    number = NULL if level == "null" else _ALIASES.get(level, ACCESS_LEVELS.get(level))
    if inherit is None and number is None:
        raise ClientMessageError(CAT_INVALID_ARGUMENT, f"access level '{level}' is invalid")
    with db.transaction():
        object_id, is_collection = _owned(db, actor, path, admin=admin, collection_only=inherit is not None)
        if inherit is not None:
            _set_inheritance(db, path, inherit, recursive=recursive)
            return
        user = users.require(db, user_name, zone)
        if recursive and not is_collection:
            message = f"Input path is not a collection and recursion was requested: {path}"
            raise ClientMessageError(CAT_INVALID_ARGUMENT, message)
        if not recursive:
            set_level(db, object_id, user.id, number or NULL)
            return
        _set_recursively(db, user, number or NULL, path)


def _owned(db: Database, actor: User, path: str, *, admin: bool, collection_only: bool) -> tuple[int, bool]:
    """(id, whether it is a collection) of a path whose access the actor may change."""
    try:
        return require_collection(db, actor, path, OWN, admin=admin), True
    except IrodsError as error:
        if collection_only:
            raise ClientMessageError(
                CAT_NO_ACCESS_PERMISSION,
                "either the collection does not exist or you do not have sufficient access",
            ) from error
        if error.code != CAT_UNKNOWN_COLLECTION:
            raise
    try:
        return require_object(db, actor, path, OWN, admin=admin), False
    except IrodsError as error:
        if error.code == CAT_UNKNOWN_FILE:
            raise ClientMessageError(
                CAT_INVALID_ARGUMENT, f"Input path is not a collection and not a dataObj: {path}"
            ) from error
        raise


def _set_inheritance(db: Database, path: str, value: str, *, recursive: bool) -> None:
    low, high = paths.below(path) if recursive else ("", "")
    db.execute(
        "UPDATE R_COLL_MAIN SET coll_inheritance = ?, modify_ts = ?"
        " WHERE coll_name = ? OR (coll_name >= ? AND coll_name < ?)",
        (value, now(), path, low, high),
    )


def _set_recursively(db: Database, user: User, level: int, path: str) -> None:
    low, high = paths.below(path)
    inside = "SELECT coll_id FROM R_COLL_MAIN WHERE coll_name = ? OR (coll_name >= ? AND coll_name < ?)"
    objects = f"SELECT DISTINCT data_id FROM R_DATA_MAIN WHERE coll_id IN ({inside})"  # noqa: S608 - constants
    scope, stamp = (path, low, high), now()
    for ids in (objects, inside):
        db.execute(f"DELETE FROM R_OBJT_ACCESS WHERE user_id = ? AND object_id IN ({ids})", (user.id, *scope))  # noqa: S608
        if level > NULL:
            granted = f"SELECT i.*, ?, ?, ?, ? FROM ({ids}) AS i"  # noqa: S608 - constants
            db.execute(f"INSERT INTO R_OBJT_ACCESS {granted}", (user.id, level, stamp, stamp, *scope))
