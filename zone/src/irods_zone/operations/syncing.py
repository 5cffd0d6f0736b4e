"""The requests of irsync: whether two sides are equal, by checksum, and copies between two paths of the zone."""

from __future__ import annotations

from irods_zone import errors, paths
from irods_zone.catalog import objects as catalog
from irods_zone.errors import IrodsError
from irods_zone.operations import checksums, copies
from irods_zone.session import Session

# Replies that tell the client to send, or to fetch.
CLIENT_PUTS = 99999990
CLIENT_GETS = 99999991
TARGET_MODIFIED = 99999999

# The modes' names are swapped on the wire: a fetch is requested as LOCAL_TO_IRODS.
_FETCH = "LOCAL_TO_IRODS"
_SEND = "IRODS_TO_LOCAL"
_ON_SERVER = "IRODS_TO_IRODS"


def sync(session: Session, path: str, keywords: dict[str, str]) -> int:
    """0 if both sides are equal, else what the client has to do. Copies on the server are already done."""
    path = paths.checked(path)
    mode = keywords.get("rsyncMode", "")
    if mode in (_FETCH, _SEND):
        client_checksum = keywords.get("rsyncChksum", "")
        if not client_checksum:
            raise IrodsError(errors.CHKSUM_EMPTY_IN_STRUCT_ERR, "irsync sends the file's checksum")
        if _checksum(session, path, client_checksum) == client_checksum:
            return 0
        return CLIENT_GETS if mode == _FETCH else CLIENT_PUTS
    target = keywords.get("rsyncDestPath", "")
    if mode != _ON_SERVER or not target:
        raise IrodsError(errors.USER_RSYNC_NO_MODE_INPUT_ERR, f"no way to synchronise {mode!r}")
    target = paths.checked(target)
    if catalog.exists(session.db, target) and _checksum(session, path) == _checksum(session, target):
        return 0
    resources = {key: value for key, value in keywords.items() if key in ("destRescName", "defRescName")}
    copies.copy(session, path, target, {**resources, "forceFlag": ""})
    return TARGET_MODIFIED


def _checksum(session: Session, path: str, other: str = "") -> str:
    try:
        return checksums.checksum(session, path, {"regChksum": other} if other else {})
    except IrodsError as error:
        if error.code == errors.CAT_NO_ROWS_FOUND:
            return ""
        raise
