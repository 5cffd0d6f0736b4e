"""Setting the size of a data object."""

from __future__ import annotations

import errno
import os
from typing import Any

from zone import errors
from zone.catalog import access
from zone.errors import IrodsError
from zone.operations import closing, opening, paths, states, stats, vault
from zone.operations.failures import DetailedError
from zone.session import Session


def truncate(session: Session, path: str, size: int, keywords: dict[str, str]) -> dict[str, Any]:
    """Sets the size of one replica that is at rest; its siblings become stale. Tells which replica it was.

    DetailedError with {message, replica_number, resource_hierarchy} if it cannot be done.
    """
    try:
        return _truncate(session, path, size, keywords)
    except IrodsError as error:
        raise DetailedError(error.code, _answer(error.message or str(error)), error.message) from error


def _truncate(session: Session, path: str, size: int, keywords: dict[str, str]) -> dict[str, Any]:
    path = paths.checked(path)
    if "destRescName" in keywords or ("rescName" in keywords and "replNum" in keywords):
        raise IrodsError(errors.SYS_INVALID_INPUT_PARAM, "name either a resource (rescName) or a replica")
    admin = opening.is_admin_call(session, keywords)
    replicas = stats.visible_replicas(session, path)
    if not replicas:
        raise IrodsError(errors.OBJ_PATH_DOES_NOT_EXIST, f"there is no data object '{path}'")
    if not admin:
        access.require(session.db, session.client, replicas[0].data_id, access.MODIFY_OBJECT)
    chosen = states.choose(replicas, keywords, write=True)
    if size < 0:
        raise IrodsError(errors.UNIX_FILE_TRUNCATE_ERR - errno.EINVAL, f"a size of {size} bytes")
    wanted = {**keywords, "resc_hier": chosen.hierarchy}
    number = opening.open_object(session, path, os.O_WRONLY, 0, wanted)
    descriptor = session.descriptors.get(number)
    try:
        with vault.system_errors(errors.UNIX_FILE_TRUNCATE_ERR):
            os.ftruncate(descriptor.handle, size)
        descriptor.written = True
    finally:
        closing.close_replica(session, number)
    return _answer("", chosen.repl_num, chosen.hierarchy)


def _answer(message: str, number: int | None = None, hierarchy: str | None = None) -> dict[str, Any]:
    return {"message": message, "replica_number": number, "resource_hierarchy": hierarchy}
