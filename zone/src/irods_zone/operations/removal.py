"""Unlinks data objects: into the trash, or for good.

For good means: first the row, then the file. A crash in between leaves an unused file, never an object without its
file.
"""

from __future__ import annotations

import time

from irods_zone import errors, paths
from irods_zone.catalog import access
from irods_zone.catalog import objects as catalog
from irods_zone.catalog.objects import Replica
from irods_zone.errors import IrodsError
from irods_zone.operations import files, opening, points, relocation, states, stats, trash
from irods_zone.session import Session

UNREGISTER = 26


def unlink(session: Session, path: str, keywords: dict[str, str] | None = None, *, operation: int = 0) -> None:
    """Removes a data object with all its replicas.

    Without `forceFlag` it is moved into the user's trash. Errors: CAT_NO_ROWS_FOUND, CAT_NO_ACCESS_PERMISSION,
    LOCKED_DATA_OBJECT_ACCESS …
    """
    keywords = {} if keywords is None else keywords
    path = paths.checked(path)
    keywords["translatedPath"] = ""
    admin = opening.is_admin_call(session, keywords)
    replicas = catalog.find(session.db, path) if admin else stats.visible_replicas(session, path)
    if not replicas:
        raise IrodsError(errors.CAT_NO_ROWS_FOUND, f"there is no data object '{path}'")
    keywords.setdefault("resc_hier", replicas[0].hierarchy)
    emptying = keywords.keys() & {trash.EMPTY, trash.EMPTY_BY_ADMIN}
    if emptying and not paths.is_in_trash(path):
        raise IrodsError(errors.SYS_INVALID_FILE_PATH, f"'{path}' is not in the trash")
    if trash.EMPTY_BY_ADMIN in keywords:
        if not session.client.is_admin:
            raise IrodsError(errors.CAT_INSUFFICIENT_PRIVILEGE_LEVEL)
        admin = True
    if not admin:
        access.require(session.db, session.client, replicas[0].data_id, access.DELETE_OBJECT)
    age = keywords.get("age", "")
    if emptying and age.isdigit() and time.time() - int(replicas[0].modified) < int(age) * 60:
        return
    for replica in replicas:
        session.policy.static("acDataDeletePolicy", (), points.object_info(replica, writeFlag=1))
    if emptying or "forceFlag" in keywords or operation == UNREGISTER:
        _for_good(session, replicas, keep_file=operation == UNREGISTER)
        points.static_after(session, "acPostProcForDelete", points.object_info(replicas[0], writeFlag=1))
    else:
        states.require_choice(replicas)
        states.require_at_rest(replicas)
        relocation.relocate(session, path, trash.path_for(session, path), relocation.DATA_OBJECT)
    points.touch_parent(session, path)


def _for_good(session: Session, replicas: list[Replica], *, keep_file: bool) -> None:
    if not keep_file:
        files.require_servers(session, replicas)
    with session.db.transaction():
        states.require_at_rest(catalog.by_id(session.db, replicas[0].data_id))
        for replica in replicas:
            catalog.delete(session.db, replica)
    for replica in replicas:
        after_delete(session, replica, keep_file=keep_file)


def after_delete(session: Session, replica: Replica, *, keep_file: bool = False) -> None:
    """After a replica's row is deleted: removes its file, if that is at its place in the vault."""
    points.resource(session, "unregistered", replica, size=replica.size)
    if keep_file or not replica.is_in_vault:
        return
    files.remove(session, replica)
