"""AVUs: the operations of `imeta` and the atomic API, with a real server's checks, errors and order.

An AVU is a row of R_META_MAIN that objects share through R_OBJT_METAMAP; a removal only cuts the link. `modify` returns
the database operations that a real server would have run, so that the caller can fire their policy points. This module
fires none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from irods_zone import paths
from irods_zone.catalog import access, users
from irods_zone.catalog.database import Database, now
from irods_zone.catalog.users import User
from irods_zone.errors import (
    CAT_INSUFFICIENT_PRIVILEGE_LEVEL,
    CAT_INVALID_ARGUMENT,
    CAT_INVALID_RESOURCE,
    CAT_INVALID_USER,
    CAT_NO_ACCESS_PERMISSION,
    CAT_SQL_ERR,
    CAT_SUCCESS_BUT_WITH_NO_INFO,
    INVALID_OPERATION,
    JSON_VALIDATION_ERROR,
    SYS_INTERNAL_ERR,
    SYS_INVALID_INPUT_PARAM,
    SYS_LIBRARY_ERROR,
    IrodsError,
)

ADMIN_KEYWORD = "irodsAdmin"
_MAX_LENGTH = {"attribute": 2700, "value": 2700, "units": 250}
_TYPES = {"d": "data_object", "c": "collection", "r": "resource", "u": "user"}


@dataclass(frozen=True)
class DatabaseCall:
    """A database operation that ran: `pep_database_<name>_post` gets `args` (after the output string and before the
    client's keywords). None: a null pointer.
    """

    name: str
    args: tuple[Any, ...]


@dataclass(frozen=True)
class AVU:
    """One AVU of an object; `id` is its meta_id."""

    id: int
    attribute: str
    value: str
    units: str
    created: str = ""
    modified: str = ""


@dataclass(frozen=True)
class AtomicResult:
    """The answer of the atomic API: a status and its JSON object."""

    code: int
    output: dict[str, Any]


def list_avus(db: Database, object_id: int) -> list[AVU]:
    """The AVUs of an object, for any user, by attribute, value and units."""
    rows = db.execute(
        "SELECT m.meta_id, m.meta_attr_name, m.meta_attr_value, coalesce(m.meta_attr_unit, ''), m.create_ts,"
        " m.modify_ts"
        " FROM R_OBJT_METAMAP o JOIN R_META_MAIN m ON m.meta_id = o.meta_id WHERE o.object_id = ?"
        " ORDER BY m.meta_attr_name, m.meta_attr_value, m.meta_attr_unit",
        (object_id,),
    )
    return [AVU(*row) for row in rows]


def object_id(db: Database, user: User, kind: str, name: str, level: int, *, admin: bool = False) -> int:
    """The id of the entity in an AVU command: kind is -d, -C, -R or -u (either case).

    A user needs `level` on an object or collection; only administrators may name users and resources.
    """
    if admin and not user.is_admin:
        raise IrodsError(CAT_INSUFFICIENT_PRIVILEGE_LEVEL)
    entity = _TYPES.get(kind[1:].lower()) if len(kind) == 2 and kind[0] == "-" else None
    if entity is None or not name:
        raise IrodsError(CAT_INVALID_ARGUMENT)
    if entity == "data_object":
        return access.require_object(db, user, name, level, admin=admin)
    if entity == "collection":
        return access.require_collection(db, user, name, level, admin=admin)
    if not user.is_admin:
        raise IrodsError(CAT_INSUFFICIENT_PRIVILEGE_LEVEL)
    if entity == "resource":
        row = db.execute(
            "SELECT resc_id FROM R_RESC_MAIN WHERE resc_name = ? AND zone_name = ?", (name, db.zone)
        ).fetchone()
        if row is None:
            raise IrodsError(CAT_INVALID_RESOURCE, f"resource '{name}' does not exist")
        return int(row[0])
    found = users.find(db, *users.split_name(db, name))
    if found is None:
        raise IrodsError(CAT_INVALID_USER, f"user '{name}' does not exist")
    return found.id


def modify(
    db: Database, user: User, args: Sequence[str | None], keywords: Mapping[str, str] | None = None
) -> list[DatabaseCall]:
    """One AVU command: args are arg0…arg9 of ModAVUMetadataInp (add, set, mod, rm, rmi, cp …).

    Shape: (command, type, name, attribute, value, units …), cp: (cp, type1, type2, name1, name2). Missing arguments are
    None or ''. Errors as the real server's: CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME, CAT_SUCCESS_BUT_WITH_NO_INFO,
    CAT_INVALID_ARGUMENT, CAT_UNKNOWN_FILE, CAT_UNKNOWN_COLLECTION, CAT_NO_ACCESS_PERMISSION …
    """
    padded: list[str | None] = [*args, *[None] * (10 - len(args))]
    command = padded[0]
    change = _Change(db, user, admin=bool(keywords and ADMIN_KEYWORD in keywords))
    with db.transaction():
        if command == "add":
            change.add(*padded[1:6])
        elif command == "set":
            change.set(*padded[1:6])
        elif command == "mod":
            change.mod(*padded[1:9])
        elif command == "rm":
            change.remove(_EXACT, *padded[1:6])
        elif command == "rmi":
            change.remove(_BY_ID, *padded[1:6])
        elif command == "cp":
            change.copy(*padded[1:5])
        else:
            raise IrodsError(CAT_INVALID_ARGUMENT, f"'{command}' is not an AVU command")
    return change.calls


# The first argument of a real server's delete operation.
_EXACT, _WILDCARD, _BY_ID = 0, 1, 2


class _Change:
    """One command's work inside its transaction; collects the database operations in `calls`."""

    def __init__(self, db: Database, user: User, *, admin: bool) -> None:
        self.db = db
        self.user = user
        self.admin = admin
        self.calls: list[DatabaseCall] = []

    def _id(self, kind: str | None, name: str | None, level: int) -> int:
        return object_id(self.db, self.user, kind or "", name or "", level, admin=self.admin)

    def add(
        self, kind: str | None, name: str | None, attribute: str | None, value: str | None, units: str | None
    ) -> None:
        if not attribute or not value:
            raise IrodsError(CAT_INVALID_ARGUMENT, "an AVU needs an attribute and a value")
        target = self._id(kind, name, access.CREATE_METADATA)
        meta_id = find_or_insert(self.db, attribute, value, units or "")
        stamp = now()
        self.db.execute("INSERT INTO R_OBJT_METAMAP VALUES (?,?,?,?)", (target, meta_id, stamp, stamp))
        self.calls.append(DatabaseCall("add_avu_metadata", (kind, name, attribute, value, units)))

    def set(
        self, kind: str | None, name: str | None, attribute: str | None, value: str | None, units: str | None
    ) -> None:
        target = self._id(kind, name, access.CREATE_METADATA)
        units = units or ""
        if not attribute or not value:
            raise IrodsError(CAT_INVALID_ARGUMENT, "an AVU needs an attribute and a value")
        # All links, of any object, to this object's AVUs with that attribute.
        links = self.db.execute(
            "SELECT a.meta_id FROM R_OBJT_METAMAP o JOIN R_META_MAIN m ON m.meta_id = o.meta_id"
            " JOIN R_OBJT_METAMAP a ON a.meta_id = m.meta_id WHERE o.object_id = ? AND m.meta_attr_name = ? LIMIT 2",
            (target, attribute),
        ).fetchall()
        if not links:
            self.add(kind, name, attribute, value, units)
        elif len(links) > 1:
            # Shared with other objects, or several AVUs: a real server deletes by pattern, so here, too, '_' in the
            # attribute matches any character.
            self.remove(_WILDCARD, kind, name, attribute, "%", "%", commit=False)
            self.add(kind, name, attribute, value, units)
        else:
            _check_lengths(attribute, value, units)
            self.db.execute(
                "UPDATE R_META_MAIN SET meta_attr_value = ?, meta_attr_unit = ?, modify_ts = ? WHERE meta_id = ?",
                (value, units, now(), links[0][0]),
            )
            self.calls.append(DatabaseCall("set_avu_metadata", (kind, name, attribute, value, units)))

    def mod(
        self,
        kind: str | None,
        name: str | None,
        attribute: str | None,
        value: str | None,
        *rest: str | None,
    ) -> None:
        units = "" if _is_new(rest[0]) else rest[0] or ""
        self.remove(_EXACT, kind, name, attribute, value, units, commit=False)
        new: dict[str, str] = {}
        for argument in rest if _is_new(rest[0]) else rest[1:]:
            if argument and _is_new(argument):
                if argument[0] in new:
                    raise IrodsError(CAT_INVALID_ARGUMENT, f"'{argument[:2]}' is given twice")
                new[argument[0]] = argument[2:]
        if not any(new.get(letter) for letter in "nv") and "u" not in new:
            raise IrodsError(CAT_INVALID_ARGUMENT, "nothing to change: give n:, v: or u:")
        self.add(kind, name, new.get("n") or attribute, new.get("v") or value, new.get("u", units))
        self.calls.append(DatabaseCall("mod_avu_metadata", (kind, name, attribute, value, *rest)))

    def remove(
        self,
        option: int,
        kind: str | None,
        name: str | None,
        attribute: str | None,
        value: str | None,
        units: str | None,
        *,
        commit: bool = True,
    ) -> None:
        if option != _BY_ID and (not attribute or not value):
            raise IrodsError(CAT_INVALID_ARGUMENT, "an AVU has an attribute and a value")
        target = self._id(kind, name, access.DELETE_METADATA)
        if option == _BY_ID:
            if not (attribute or "").lstrip("-").isdigit():
                raise IrodsError(CAT_SQL_ERR, f"'{attribute}' is no number")
            sql, parameters = "meta_id = ?", [attribute]
        else:
            same = "LIKE ? ESCAPE '\\'" if option == _WILDCARD else "= ?"
            null_too = not units or (option == _WILDCARD and units == "%")
            unit_test = f"(meta_attr_unit {same} OR meta_attr_unit IS NULL)" if null_too else f"meta_attr_unit {same}"
            sql = (
                "meta_id IN (SELECT m.meta_id FROM R_OBJT_METAMAP o JOIN R_META_MAIN m ON m.meta_id = o.meta_id"  # noqa: S608
                f" WHERE o.object_id = ? AND meta_attr_name {same} AND meta_attr_value {same} AND {unit_test})"
            )
            parameters = [str(target), attribute, value, units or ""]
        deleted = self.db.execute(f"DELETE FROM R_OBJT_METAMAP WHERE object_id = ? AND {sql}", (target, *parameters))  # noqa: S608
        if not deleted.rowcount:
            raise IrodsError(CAT_SUCCESS_BUT_WITH_NO_INFO)
        self.calls.append(
            DatabaseCall("del_avu_metadata", (option, kind, name, attribute, value, units, 0 if commit else 1))
        )

    def copy(self, kind1: str | None, kind2: str | None, name1: str | None, name2: str | None) -> None:
        source = self._id(kind1, name1, access.READ_METADATA)
        target = self._id(kind2, name2, access.CREATE_METADATA)
        stamp = now()
        copied = self.db.execute(
            "INSERT INTO R_OBJT_METAMAP SELECT ?, meta_id, ?, ? FROM R_OBJT_METAMAP WHERE object_id = ?",
            (target, stamp, stamp, source),
        )
        if not copied.rowcount:
            raise IrodsError(CAT_SUCCESS_BUT_WITH_NO_INFO)
        self.calls.append(DatabaseCall("copy_avu_metadata", (kind1, kind2, name1, name2)))


def find_or_insert(db: Database, attribute: str, value: str, units: str) -> int:
    """The meta_id of an AVU, which is made if it does not exist yet."""
    found = _find(db, attribute, value, units)
    if found is not None:
        return found
    _check_lengths(attribute, value, units)
    number, stamp = db.next_id(), now()
    db.execute(
        "INSERT INTO R_META_MAIN (meta_id, meta_attr_name, meta_attr_value, meta_attr_unit, create_ts, modify_ts)"
        " VALUES (?,?,?,?,?,?)",
        (number, attribute, value, units, stamp, stamp),
    )
    return number


def _find(db: Database, attribute: str, value: str, units: str) -> int | None:
    row = db.execute(
        "SELECT meta_id FROM R_META_MAIN WHERE meta_attr_name = ? AND meta_attr_value = ?"
        " AND coalesce(meta_attr_unit, '') = ? LIMIT 1",
        (attribute, value, units),
    ).fetchone()
    return int(row[0]) if row else None


def _check_lengths(attribute: str, value: str, units: str, refusal: int = CAT_SQL_ERR) -> None:
    """Check lengths in characters, as PostgreSQL does. Texts with more bytes are kept, but see genquery.limits."""
    for name, text in (("attribute", attribute), ("value", value), ("units", units)):
        if len(text) > _MAX_LENGTH[name]:
            raise IrodsError(refusal, f"value too long for type character varying({_MAX_LENGTH[name]})")


def _is_new(argument: str | None) -> bool:
    return bool(argument) and argument is not None and argument[1:2] == ":" and argument[0] in "nvu"


def delete_unused(db: Database) -> int:
    """Delete the AVUs that no object has (iadmin rum). Returns how many there were."""
    with db.transaction():
        return db.execute("DELETE FROM R_META_MAIN WHERE meta_id NOT IN (SELECT meta_id FROM R_OBJT_METAMAP)").rowcount


class _RefusedError(Exception):
    """Ends an atomic request; none of its changes is kept."""

    def __init__(self, code: int, message: str, operation: Any = None, index: int = 0) -> None:
        super().__init__(message)
        self.result = AtomicResult(code, {"error_message": message, "operation": operation, "operation_index": index})


def atomic(db: Database, user: User, request: Any) -> AtomicResult:
    """Apply many changes to one entity, all or none (API 20002). Redundant additions and removals are no errors.

    request: {"entity_name", "entity_type", "operations": [{"operation": add|remove, "attribute", "value", "units"?}],
    "admin_mode"?}. Failures are returned in the result, not raised, because the client gets both parts.
    """
    try:
        with db.transaction():
            _apply(db, user, request)
    except _RefusedError as refused:
        return refused.result
    return AtomicResult(0, {})


def _apply(db: Database, user: User, request: Any) -> None:
    try:
        name, kind = request["entity_name"], request["entity_type"]
        target = _entity(db, user, name, kind)
    except (KeyError, TypeError) as error:
        raise _RefusedError(SYS_INVALID_INPUT_PARAM, f"missing or wrong key: {error}") from error
    admin_mode = request.get("admin_mode", False)
    if not isinstance(admin_mode, bool):
        raise _RefusedError(SYS_INTERNAL_ERR, "'admin_mode' is neither true nor false")
    if admin_mode:
        if not user.is_admin:
            raise _RefusedError(CAT_INSUFFICIENT_PRIVILEGE_LEVEL, "User is not an administrator")
    elif kind in ("data_object", "collection"):
        if access.level_of(db, user, target) < access.MODIFY_OBJECT:
            raise _RefusedError(CAT_NO_ACCESS_PERMISSION, "User not allowed to modify metadata")
    elif not user.is_admin:
        raise _RefusedError(CAT_NO_ACCESS_PERMISSION, "User not allowed to modify metadata")
    operations = request.get("operations")
    if not isinstance(operations, list):
        raise _RefusedError(SYS_INTERNAL_ERR, "'operations' is not a list")
    for index, operation in enumerate(operations):
        _apply_one(db, target, operation, index)


def _entity(db: Database, user: User, name: str, kind: str) -> int:
    """The id of an entity that the user can see; one that they cannot see does not exist for them."""
    readable: int | None = None
    if kind == "collection":
        row = db.execute("SELECT coll_id FROM R_COLL_MAIN WHERE coll_name = ?", (name,)).fetchone()
        readable = row[0] if row else None
    elif kind == "data_object":
        row = db.execute(
            "SELECT d.data_id FROM R_COLL_MAIN c JOIN R_DATA_MAIN d ON d.coll_id = c.coll_id"
            " WHERE c.coll_name = ? AND d.data_name = ? LIMIT 1",
            paths.split(name),
        ).fetchone()
        readable = row[0] if row else None
    elif kind == "user":
        row = db.execute("SELECT user_id FROM R_USER_MAIN WHERE user_name = ? ORDER BY user_id", (name,)).fetchone()
    elif kind == "resource":
        row = db.execute("SELECT resc_id FROM R_RESC_MAIN WHERE resc_name = ?", (name,)).fetchone()
    else:
        raise _RefusedError(SYS_INVALID_INPUT_PARAM, f"Invalid entity type specified [entity_type={kind}]")
    hidden = readable is not None and not user.is_admin and access.level_of(db, user, readable) < access.READ_OBJECT
    if row is None or hidden:
        raise _RefusedError(SYS_INVALID_INPUT_PARAM, f"Entity does not exist [entity_name={name}]")
    return int(row[0])


def _apply_one(db: Database, target: int, operation: Any, index: int) -> None:
    try:
        attribute, value = operation["attribute"], operation["value"]
        units, command = operation.get("units", ""), operation["operation"]
        if not all(isinstance(text, str) for text in (attribute, value, units, command)):
            raise TypeError("attribute, value, units and operation are strings")
    except (KeyError, TypeError, AttributeError) as error:
        raise _RefusedError(JSON_VALIDATION_ERROR, f"missing or wrong key: {error}", operation, index) from error
    if not attribute or not value:
        message = f"Empty metadata attribute name or value [attribute={attribute}, value={value}]"
        raise _RefusedError(SYS_INVALID_INPUT_PARAM, message, operation, index)
    try:
        if command == "add":
            _check_lengths(attribute, value, units, refusal=SYS_LIBRARY_ERROR)
            stamp = now()
            meta_id = find_or_insert(db, attribute, value, units)
            db.execute("INSERT OR IGNORE INTO R_OBJT_METAMAP VALUES (?,?,?,?)", (target, meta_id, stamp, stamp))
        elif command == "remove":
            found = _find(db, attribute, value, units)
            if found is not None:
                db.execute("DELETE FROM R_OBJT_METAMAP WHERE object_id = ? AND meta_id = ?", (target, found))
        else:
            raise _RefusedError(INVALID_OPERATION, "Invalid metadata operation.", operation, index)
    except IrodsError as error:
        raise _RefusedError(error.code, str(error), operation, index) from error
