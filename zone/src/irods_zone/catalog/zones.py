"""Other zones as rows (R_ZONE_MAIN), so that their users have names. The zone never connects to one."""

from __future__ import annotations

from irods_zone.catalog.database import Database, now
from irods_zone.errors import (
    CAT_INVALID_ARGUMENT,
    CAT_INVALID_ZONE,
    SYS_INVALID_INPUT_PARAM,
    ClientMessageError,
    IrodsError,
)

_COLUMNS = {"comment": "r_comment", "conn": "zone_conn_string", "name": "zone_name"}


def create(db: Database, name: str, kind: str, connection: str = "", comment: str = "") -> None:
    """Register a zone; only `remote` ones can be (CAT_INVALID_ARGUMENT)."""
    if kind != "remote":
        raise ClientMessageError(CAT_INVALID_ARGUMENT, "Currently, only zones of type 'remote' are allowed")
    _check_name(name)
    with db.transaction():
        db.execute(
            "INSERT INTO R_ZONE_MAIN VALUES (?,?,'remote',?,?,?,?)",
            (db.next_id(), name, connection, comment, now(), now()),
        )


def modify(db: Database, name: str, option: str, value: str) -> None:
    """Change the comment, connection (conn) or, of another zone, the name."""
    number, kind = _find(db, name)
    if option not in _COLUMNS or (option == "name" and kind == "local"):
        raise IrodsError(CAT_INVALID_ARGUMENT, f"'{option}' of zone '{name}' cannot be changed")
    if option == "name":
        _check_name(value)
    with db.transaction():
        db.execute(
            f"UPDATE R_ZONE_MAIN SET {_COLUMNS[option]} = ?, modify_ts = ? WHERE zone_id = ?",  # noqa: S608 - ours
            (value, now(), number),
        )


def remove(db: Database, name: str) -> None:
    """Forget another zone."""
    number, kind = _find(db, name)
    if kind == "local":
        raise IrodsError(CAT_INVALID_ARGUMENT, "the local zone cannot be removed")
    with db.transaction():
        db.execute("DELETE FROM R_ZONE_MAIN WHERE zone_id = ?", (number,))


def _find(db: Database, name: str) -> tuple[int, str]:
    row = db.execute("SELECT zone_id, zone_type_name FROM R_ZONE_MAIN WHERE zone_name = ?", (name,)).fetchone()
    if row is None:
        raise IrodsError(CAT_INVALID_ZONE, f"zone '{name}' does not exist")
    return int(row[0]), str(row[1])


def _check_name(name: str) -> None:
    if not name or any(character.isspace() or character in "/#" for character in name):
        raise IrodsError(SYS_INVALID_INPUT_PARAM, f"'{name}' is not a name for a zone")
