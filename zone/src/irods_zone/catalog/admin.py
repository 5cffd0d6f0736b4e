"""The changes of the catalog by administrators (and group administrators): users, groups, zones, tokens.

This module decides who may make them. `general` takes the arguments of the API call (iadmin, python-irodsclient) and
finds the function; a password in them must already be in the clear. Vaults and files are not touched.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from irods_zone import paths
from irods_zone.catalog import collections, metadata, quotas, resource_admin, specific, users, zones
from irods_zone.catalog.collections import Collection
from irods_zone.catalog.database import Database, now
from irods_zone.catalog.privileges import require_admin, require_group_admin
from irods_zone.catalog.tokens import ACCESS_LEVELS
from irods_zone.catalog.users import ANONYMOUS, GROUP_TYPE, PUBLIC, User
from irods_zone.errors import (
    CAT_INSUFFICIENT_PRIVILEGE_LEVEL,
    CAT_INVALID_ARGUMENT,
    CAT_INVALID_GROUP,
    CAT_INVALID_USER,
    CAT_INVALID_USER_TYPE,
    CAT_SUCCESS_BUT_WITH_NO_INFO,
    PASSWORD_EXCEEDS_MAX_SIZE,
    SYS_NOT_ALLOWED,
    USER_NOT_IN_GROUP,
    ClientMessageError,
    IrodsError,
)

_MIN_PASSWORD, _MAX_PASSWORD = 3, 42


# Users and groups


def make_user(db: Database, actor: User, name: str, user_type: str, zone: str = "") -> User:
    """Make a user, member of `public`, with a home and a trash collection (anonymous gets neither).

    The name may hold the zone (alice#otherZone). Group administrators may make rodsusers.
    """
    require_group_admin(actor)
    if not actor.is_admin and user_type != "rodsuser":
        raise IrodsError(CAT_INSUFFICIENT_PRIVILEGE_LEVEL, "a group administrator makes users of type rodsuser")
    if not user_type.strip():
        raise IrodsError(CAT_INVALID_USER_TYPE, "a user has a type")
    if not name.strip():
        raise IrodsError(CAT_INVALID_ARGUMENT, "a user has a name")
    with db.transaction():
        user = users.create(db, name.strip(), user_type.strip(), zone)
        if user.name != ANONYMOUS:
            for home in _homes(db, name):
                _make_home(db, user, home)
            if not user.is_group:
                users.add_to_group(db, users.require(db, PUBLIC), user)
    return user


def make_group(db: Database, actor: User, name: str, zone: str = "") -> User:
    """Make a group with a home and a trash collection. Group administrators may do so, too."""
    require_group_admin(actor)
    with db.transaction():
        group = users.create(db, name.strip(), GROUP_TYPE, zone)
        for home in _homes(db, name):
            _make_home(db, group, home)
    return group


def _homes(db: Database, name: str) -> tuple[str, str]:
    # The collections of a user of another zone carry the zone's name: home/alice#otherZone.
    user, zone = users.split_name(db, name.strip())
    folder = user if zone == db.zone else f"{user}#{zone}"
    return f"/{db.zone}/home/{folder}", f"/{db.zone}/trash/home/{folder}"


def _make_home(db: Database, owner: User, path: str) -> None:
    parent = paths.parent(path)
    number, stamp = db.next_id(), now()
    db.execute(
        "INSERT INTO R_COLL_MAIN (coll_id, parent_coll_name, coll_name, coll_owner_name, coll_owner_zone, coll_type,"
        " coll_info1, coll_info2, create_ts, modify_ts) VALUES (?,?,?,?,?,'','','',?,?)",
        (number, parent, path, owner.name, owner.zone, stamp, stamp),
    )
    db.execute("INSERT INTO R_OBJT_ACCESS VALUES (?,?,?,?,?)", (number, owner.id, ACCESS_LEVELS["own"], stamp, stamp))


def remove_user(db: Database, actor: User, name: str, zone: str = "", *, group: bool = False) -> None:
    """Delete a user with their home and trash, which must be empty (CAT_COLLECTION_NOT_EMPTY)."""
    require_admin(actor)
    user_name, named_zone = users.split_name(db, name)
    user = users.find(db, user_name, named_zone if "#" in name else zone)
    if user is None or (user.is_group and not group):
        raise IrodsError(CAT_INVALID_USER, f"user '{name}' does not exist")
    with db.transaction():
        for path in _homes(db, user.name if user.zone == db.zone else f"{user.name}#{user.zone}"):
            home: Collection | None = collections.find(db, path)
            if home is not None:
                collections.delete(db, home)
        users.remove(db, user)


def remove_group(db: Database, actor: User, name: str, zone: str = "") -> None:
    """Delete a group; CAT_INVALID_GROUP if there is no group of that name."""
    require_admin(actor)
    group = users.find(db, name, zone)
    if group is None or not group.is_group:
        raise IrodsError(CAT_INVALID_GROUP, f"group '{name}' does not exist")
    remove_user(db, actor, name, zone, group=True)


def modify_user(db: Database, actor: User, name: str, option: str, value: str) -> None:
    """Change a user's type, comment, info, password or further sign-in names (addAuth, rmAuth)."""
    if not name or not option:
        raise IrodsError(CAT_INVALID_ARGUMENT, "which user, and what of them?")
    user = users.find(db, *users.split_name(db, name))
    if option == "password":
        set_password(db, actor, user, value)
        return
    require_admin(actor)
    if user is None:
        raise IrodsError(CAT_INVALID_USER, f"user '{name}' does not exist")
    if option in ("type", "user_type_name"):
        _change_type(db, user, value)
    elif option in ("comment", "r_comment"):
        users.modify(db, user, comment=value)
    elif option in ("info", "user_info"):
        users.modify(db, user, info=value)
    elif option in ("addAuth", "rmAuth"):
        _change_auth(db, user, option, value)
    else:
        raise IrodsError(CAT_INVALID_ARGUMENT, f"'{option}' of a user cannot be changed")


def _change_type(db: Database, user: User, value: str) -> None:
    known = db.execute(
        "SELECT 1 FROM R_TOKN_MAIN WHERE token_namespace = 'user_type' AND token_name = ?", (value,)
    ).fetchone()
    if not known:
        raise IrodsError(CAT_INVALID_USER_TYPE, f"user_type '{value}' is not valid")
    if user.type != value and GROUP_TYPE in (user.type, value):
        group = user.type == GROUP_TYPE
        text = "a group cannot have its type changed" if group else "a user cannot be changed to a group"
        raise ClientMessageError(SYS_NOT_ALLOWED, text)
    users.modify(db, user, user_type=value)


def _change_auth(db: Database, user: User, option: str, value: str) -> None:
    if not value:
        raise IrodsError(CAT_INVALID_ARGUMENT, "a sign-in name is not empty")
    with db.transaction():
        key = (user.id, value)
        if option == "rmAuth":
            if not db.execute("DELETE FROM R_USER_AUTH WHERE user_id = ? AND user_auth_name = ?", key).rowcount:
                raise IrodsError(CAT_SUCCESS_BUT_WITH_NO_INFO)
        elif not db.execute("SELECT 1 FROM R_USER_AUTH WHERE user_id = ? AND user_auth_name = ?", key).fetchone():
            db.execute("INSERT INTO R_USER_AUTH VALUES (?,?,?)", (*key, now()))


def set_password(db: Database, actor: User, user: User | None, password: str) -> None:
    """Set a password, given in the clear: by the user, an administrator, or, for a first one, a group administrator."""
    if user is None:
        require_admin(actor)
        raise IrodsError(CAT_INVALID_USER)
    if not actor.is_admin and actor.id != user.id:
        require_group_admin(actor)
        if users.secret(db, user) is not None:
            raise IrodsError(CAT_INSUFFICIENT_PRIVILEGE_LEVEL, "a group administrator sets the first password only")
    if not _MIN_PASSWORD <= len(password.encode()) <= _MAX_PASSWORD:
        raise IrodsError(
            PASSWORD_EXCEEDS_MAX_SIZE, f"Password must be between {_MIN_PASSWORD} and {_MAX_PASSWORD} characters"
        )
    users.set_secret(db, user, password)


def modify_group(db: Database, actor: User, group_name: str, option: str, user_name: str, zone: str = "") -> None:
    """Add a user to a group or remove one.

    A group administrator must be a member; for an empty group all of them may do so.
    """
    if not group_name or not option or not user_name:
        raise IrodsError(CAT_INVALID_ARGUMENT, "which group, which user, and what?")
    group = users.find(db, group_name)
    if not actor.is_admin:
        require_group_admin(actor)
        is_member = group is not None and any(found.id == group.id for found in users.groups_of(db, actor))
        is_open = option == "add" and group is not None and not users.members_of(db, group)
        if not is_member and not is_open:
            raise IrodsError(CAT_INSUFFICIENT_PRIVILEGE_LEVEL, "you are not a member of that group")
    name, named_zone = users.split_name(db, user_name)
    user = users.find(db, name, named_zone if "#" in user_name else zone)
    if user is None or user.is_group:
        raise IrodsError(CAT_INVALID_USER, f"user '{user_name}' does not exist")
    if group is None or not group.is_group:
        raise IrodsError(CAT_INVALID_GROUP, f"group '{group_name}' does not exist")
    if option == "add":
        users.add_to_group(db, group, user)
    elif option == "remove":
        try:
            users.remove_from_group(db, group, user)
        except IrodsError as error:
            raise IrodsError(USER_NOT_IN_GROUP, f"'{user.name}' is not in '{group.name}'") from error
    else:
        raise IrodsError(CAT_INVALID_ARGUMENT, f"'{option}': add or remove")


# Tokens


def make_token(db: Database, actor: User, namespace: str, name: str, *values: str) -> None:
    """Add a word to one of the catalog's vocabularies, e.g. a data type."""
    require_admin(actor)
    padded = (*values, "", "", "", "")[:4]
    with db.transaction():
        if not db.has_token("token_namespace", namespace):
            raise ClientMessageError(CAT_INVALID_ARGUMENT, f"Token namespace '{namespace}' does not exist")
        if db.has_token(namespace, name):
            raise ClientMessageError(CAT_INVALID_ARGUMENT, f"Token '{name}' already exists in namespace '{namespace}'")
        if not name:
            raise IrodsError(CAT_INVALID_ARGUMENT, "a token has a name")
        db.execute(
            "INSERT INTO R_TOKN_MAIN VALUES (?,?,?,?,?,?,?,?,?)", (namespace, db.next_id(), name, *padded, now(), now())
        )


def remove_token(db: Database, actor: User, namespace: str, name: str) -> None:
    """Forget a word of a vocabulary."""
    require_admin(actor)
    with db.transaction():
        gone = db.execute("DELETE FROM R_TOKN_MAIN WHERE token_namespace = ? AND token_name = ?", (namespace, name))
        if not gone.rowcount:
            raise ClientMessageError(CAT_INVALID_ARGUMENT, f"Token '{name}' does not exist in namespace '{namespace}'")


# Zones


def make_zone(db: Database, actor: User, name: str, kind: str, connection: str = "", comment: str = "") -> None:
    """Register another zone, with the collection of its name."""
    require_admin(actor)
    with db.transaction():
        zones.create(db, name, kind, connection, comment)
        _make_home(db, actor, f"/{name}")


def modify_zone(db: Database, actor: User, name: str, option: str, value: str) -> None:
    """Change another zone. A new name also renames its collection."""
    require_admin(actor)
    with db.transaction():
        zones.modify(db, name, option, value)
        if option == "name":
            collections.rename(db, collections.require(db, f"/{name}"), f"/{value}")


def remove_zone(db: Database, actor: User, name: str) -> None:
    """Forget another zone and its collection, which must be empty."""
    require_admin(actor)
    with db.transaction():
        zones.remove(db, name)
        root = collections.find(db, f"/{name}")
        if root is not None:
            collections.delete(db, root)


# The API call


def general(db: Database, actor: User, args: Sequence[str]) -> None:
    """Do what the ten arguments of the general admin call say: (verb, noun, …).

    IrodsError(CAT_INVALID_ARGUMENT) for unknown arguments.
    """
    padded = [*args, *[""] * (10 - len(args))]
    verb, noun = padded[:2]
    action = _ACTIONS.get((verb, noun)) or _ACTIONS.get((verb, ""))
    if action is None:
        raise IrodsError(CAT_INVALID_ARGUMENT, f"'{verb} {noun}' is no administrator's action that is served here")
    # One transaction: a user without a home must not be left behind.
    with db.transaction():
        action(db, actor, padded)


def _add_user(db: Database, actor: User, args: Sequence[str]) -> None:
    if args[3] == GROUP_TYPE:
        raise ClientMessageError(
            SYS_NOT_ALLOWED,
            "Error: Using 'add' with 'user' and type 'rodsgroup' is not allowed. Use 'add' with 'group' instead.",
        )
    make_user(db, actor, args[2], args[3], args[5])


def _add_collection(db: Database, actor: User, args: Sequence[str]) -> None:
    require_admin(actor)
    owner = users.require(db, *users.split_name(db, args[3])) if args[3] else actor
    with db.transaction():
        collections.require(db, paths.parent(args[2]))
        _make_home(db, owner, args[2])


def _remove_collection(db: Database, actor: User, args: Sequence[str]) -> None:
    require_admin(actor)
    collections.delete(db, collections.require(db, args[2]))


def _remove_unused(db: Database, actor: User, args: Sequence[str]) -> None:
    require_admin(actor)
    metadata.delete_unused(db)


def _set_quota(db: Database, actor: User, args: Sequence[str]) -> None:
    require_admin(actor)
    quotas.set_limit(db, *args[1:5])


def _calculate_usage(db: Database, actor: User, args: Sequence[str]) -> None:
    require_admin(actor)
    quotas.calculate(db)


_Action = Callable[[Database, User, Sequence[str]], object]
_ACTIONS: dict[tuple[str, str], _Action] = {
    ("add", "user"): _add_user,
    ("add", "group"): lambda db, actor, args: make_group(db, actor, args[2], args[5]),
    ("add", "dir"): _add_collection,
    ("add", "resource"): lambda db, actor, args: resource_admin.make(db, actor, args[2], args[3], args[4], args[5]),
    ("add", "childtoresc"): lambda db, actor, args: resource_admin.add_child(db, actor, args[2], args[3], args[4]),
    ("add", "token"): lambda db, actor, args: make_token(db, actor, *args[2:8]),
    ("add", "zone"): lambda db, actor, args: make_zone(db, actor, *args[2:6]),
    ("add", "specificQuery"): lambda db, actor, args: specific.add(db, actor, args[2], args[3]),
    ("modify", "user"): lambda db, actor, args: modify_user(db, actor, args[2], args[3], args[4]),
    ("modify", "group"): lambda db, actor, args: modify_group(db, actor, args[2], args[3], args[4], args[5]),
    ("modify", "resource"): lambda db, actor, args: resource_admin.modify(db, actor, args[2], args[3], args[4]),
    ("modify", "zone"): lambda db, actor, args: modify_zone(db, actor, args[2], args[3], args[4]),
    ("rm", "user"): lambda db, actor, args: remove_user(db, actor, args[2], args[3]),
    ("rm", "group"): lambda db, actor, args: remove_group(db, actor, args[2], args[3]),
    ("rm", "dir"): _remove_collection,
    ("rm", "resource"): lambda db, actor, args: resource_admin.remove(
        db, actor, args[2], dry_run=args[3] == "--dryrun"
    ),
    ("rm", "childfromresc"): lambda db, actor, args: resource_admin.remove_child(db, actor, args[2], args[3]),
    ("rm", "token"): lambda db, actor, args: remove_token(db, actor, args[2], args[3]),
    ("rm", "zone"): lambda db, actor, args: remove_zone(db, actor, args[2]),
    ("rm", "unusedAVUs"): _remove_unused,
    ("rm", "specificQuery"): lambda db, actor, args: specific.remove(db, actor, args[2]),
    ("set-quota", ""): _set_quota,
    ("calculate-usage", ""): _calculate_usage,
}
