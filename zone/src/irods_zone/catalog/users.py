"""Users, groups and their secrets (R_USER_MAIN, R_USER_GROUP, R_USER_PASSWORD).

Functions here change rows and check that names exist; `admin` decides who may call them. A user's zone is part of their
name: `alice#otherZone`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from irods_zone.catalog.database import Database, now
from irods_zone.catalog.schema import NEVER
from irods_zone.errors import (
    CAT_INVALID_GROUP,
    CAT_INVALID_USER,
    CAT_INVALID_USER_TYPE,
    CAT_INVALID_ZONE,
    CAT_SUCCESS_BUT_WITH_NO_INFO,
    CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME,
    USER_INVALID_USERNAME_FORMAT,
    ClientMessageError,
    IrodsError,
)

ADMIN_TYPE = "rodsadmin"
GROUP_TYPE = "rodsgroup"
GROUP_ADMIN_TYPE = "groupadmin"
ANONYMOUS = "anonymous"
PUBLIC = "public"

# The valid form of a name (iRODS: validateAndParseUserName).
_NAME = re.compile(r"(?P<user>(?!\.{1,2}(#|\Z))[^/#\s]{1,63})(#(?P<zone>[^/#\s]{1,63}))?\Z")
_COLUMNS = "user_id, user_name, zone_name, user_type_name"


@dataclass(frozen=True)
class User:
    """A user or a group."""

    id: int
    name: str
    zone: str
    type: str

    @property
    def is_admin(self) -> bool:
        """Whether this is an administrator of the zone (rodsadmin)."""
        return self.type == ADMIN_TYPE

    @property
    def is_group(self) -> bool:
        """Whether this is a group."""
        return self.type == GROUP_TYPE


# Acts in a session until a user has signed in.
UNAUTHENTICATED = User(0, "", "", "")


def split_name(db: Database, text: str) -> tuple[str, str]:
    """(user, zone) of `user` or `user#zone`; the zone defaults to the local one.

    IrodsError(USER_INVALID_USERNAME_FORMAT) if it has neither form.
    """
    match = _NAME.match(text)
    if not match:
        raise IrodsError(USER_INVALID_USERNAME_FORMAT, f"'{text}' is not a user name")
    return match["user"], match["zone"] or db.zone


def find(db: Database, name: str, zone: str = "") -> User | None:
    """The user or group of that name, or None. An empty zone is the local one."""
    row = db.execute(
        f"SELECT {_COLUMNS} FROM R_USER_MAIN WHERE user_name = ? AND zone_name = ?",  # noqa: S608 - a constant
        (name, zone or db.zone),
    ).fetchone()
    return User(*row) if row else None


def by_id(db: Database, user_id: int) -> User | None:
    """The user or group with that id, or None."""
    row = db.execute(f"SELECT {_COLUMNS} FROM R_USER_MAIN WHERE user_id = ?", (user_id,)).fetchone()  # noqa: S608
    return User(*row) if row else None


def require(db: Database, name: str, zone: str = "") -> User:
    """The user or group of that name; IrodsError(CAT_INVALID_USER) if there is none."""
    user = find(db, name, zone)
    if user is None:
        raise IrodsError(CAT_INVALID_USER, f"user '{name}#{zone or db.zone}' does not exist")
    return user


def all_users(db: Database) -> list[User]:
    """Every user and group."""
    return [User(*row) for row in db.execute(f"SELECT {_COLUMNS} FROM R_USER_MAIN ORDER BY user_id")]  # noqa: S608


def secret(db: Database, user: User) -> str | None:
    """The password of a user in the clear (the native scheme needs it on both sides); None if there is none."""
    row = db.execute(
        "SELECT rcat_password FROM R_USER_PASSWORD WHERE user_id = ? AND pass_expiry_ts LIKE '9999%'", (user.id,)
    ).fetchone()
    return str(row[0]) if row else None


def set_secret(db: Database, user: User, password: str) -> None:
    """Give a user a password; an empty one removes it."""
    with db.transaction():
        db.execute("DELETE FROM R_USER_PASSWORD WHERE user_id = ?", (user.id,))
        if password:
            db.execute("INSERT INTO R_USER_PASSWORD VALUES (?,?,?,?,?)", (user.id, password, NEVER, now(), now()))


def create(db: Database, name: str, user_type: str, zone: str = "") -> User:
    """Insert a user or group, as a member of itself (as in iRODS). `admin.make_user` makes the collections."""
    user_name, named_zone = split_name(db, name)
    zone = named_zone if "#" in name else (zone or db.zone)
    with db.transaction():
        if not db.has_token("user_type", user_type):
            raise IrodsError(CAT_INVALID_USER_TYPE, f"user_type '{user_type}' is not valid")
        if not db.execute("SELECT 1 FROM R_ZONE_MAIN WHERE zone_name = ?", (zone,)).fetchone():
            raise ClientMessageError(CAT_INVALID_ZONE, f"zone '{zone}' does not exist")
        if find(db, user_name, zone):
            code = CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME
            raise ClientMessageError(code, f"Error {code} CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME")
        user = User(db.next_id(), user_name, zone, user_type)
        stamp = now()
        db.execute(
            "INSERT INTO R_USER_MAIN (user_id, user_name, user_type_name, zone_name, create_ts, modify_ts)"
            " VALUES (?,?,?,?,?,?)",
            (user.id, user.name, user.type, user.zone, stamp, stamp),
        )
        db.execute("INSERT INTO R_USER_GROUP VALUES (?,?,?,?)", (user.id, user.id, stamp, stamp))
    return user


def modify(db: Database, user: User, *, user_type: str | None = None, **columns: str) -> None:
    """Change the type, or `info` or `comment`, of a user."""
    with db.transaction():
        if user_type is not None:
            if not db.has_token("user_type", user_type):
                raise IrodsError(CAT_INVALID_USER_TYPE, f"user_type '{user_type}' is not valid")
            _update(db, user, "user_type_name", user_type)
        for key, value in columns.items():
            _update(db, user, {"info": "user_info", "comment": "r_comment"}[key], value)


def _update(db: Database, user: User, column: str, value: str) -> None:
    db.execute(
        f"UPDATE R_USER_MAIN SET {column} = ?, modify_ts = ? WHERE user_id = ?",  # noqa: S608 - a name of ours
        (value, now(), user.id),
    )


def remove(db: Database, user: User) -> None:
    """Delete a user or group with everything that refers to its id (password, memberships, access, AVUs)."""
    with db.transaction():
        for table, column in (
            ("R_USER_PASSWORD", "user_id"),
            ("R_USER_GROUP", "user_id"),
            ("R_USER_GROUP", "group_user_id"),
            ("R_USER_AUTH", "user_id"),
            ("R_OBJT_ACCESS", "user_id"),
            ("R_OBJT_METAMAP", "object_id"),
            ("R_QUOTA_MAIN", "user_id"),
            ("R_QUOTA_USAGE", "user_id"),
            ("R_USER_MAIN", "user_id"),
        ):
            db.execute(f"DELETE FROM {table} WHERE {column} = ?", (user.id,))  # noqa: S608 - names of ours


def groups_of(db: Database, user: User) -> list[User]:
    """The groups that a user is a member of."""
    rows = db.execute(
        "SELECT g.user_id, g.user_name, g.zone_name, g.user_type_name FROM R_USER_GROUP ug"
        " JOIN R_USER_MAIN g ON g.user_id = ug.group_user_id"
        " WHERE ug.user_id = ? AND ug.group_user_id <> ug.user_id ORDER BY g.user_name",
        (user.id,),
    )
    return [User(*row) for row in rows]


def members_of(db: Database, group: User) -> list[User]:
    """The members of a group."""
    rows = db.execute(
        "SELECT u.user_id, u.user_name, u.zone_name, u.user_type_name FROM R_USER_GROUP ug"
        " JOIN R_USER_MAIN u ON u.user_id = ug.user_id"
        " WHERE ug.group_user_id = ? AND ug.group_user_id <> ug.user_id ORDER BY u.user_name",
        (group.id,),
    )
    return [User(*row) for row in rows]


def add_to_group(db: Database, group: User, user: User) -> None:
    """Make a user a member; IrodsError(CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME) if they are one."""
    if not group.is_group:
        raise IrodsError(CAT_INVALID_GROUP, f"'{group.name}' is not a group")
    stamp = now()
    with db.transaction():
        db.execute("INSERT INTO R_USER_GROUP VALUES (?,?,?,?)", (group.id, user.id, stamp, stamp))


def remove_from_group(db: Database, group: User, user: User) -> None:
    """End a membership; IrodsError(CAT_SUCCESS_BUT_WITH_NO_INFO) if there was none."""
    if not group.is_group:
        raise IrodsError(CAT_INVALID_GROUP, f"'{group.name}' is not a group")
    with db.transaction():
        found = db.execute(
            "DELETE FROM R_USER_GROUP WHERE group_user_id = ? AND user_id = ?", (group.id, user.id)
        ).rowcount
        if not found:
            raise IrodsError(CAT_SUCCESS_BUT_WITH_NO_INFO)


def ids_of(db: Database, user: User) -> Sequence[int]:
    """The ids whose access rows count for a user: their own and their groups'. Empty for a group."""
    rows = db.execute(
        "SELECT ug.group_user_id FROM R_USER_GROUP ug JOIN R_USER_MAIN u ON u.user_id = ug.user_id"
        " WHERE ug.user_id = ? AND u.user_type_name <> 'rodsgroup'",
        (user.id,),
    )
    return [row[0] for row in rows]
