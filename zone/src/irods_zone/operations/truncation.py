"""Sets the size of a data object's replica."""

from __future__ import annotations

import errno
import os
from typing import Any

from irods_zone import errors, paths
from irods_zone.catalog import access
from irods_zone.catalog import resources as rows
from irods_zone.catalog.objects import Replica
from irods_zone.errors import IrodsError
from irods_zone.operations import closing, opening, states, stats, vault
from irods_zone.operations.failures import DetailedError
from irods_zone.session import Session


def truncate(session: Session, path: str, size: int, keywords: dict[str, str]) -> dict[str, Any]:
    """Sets the size of one replica that is at rest; its siblings become stale. Returns which replica it was.

    DetailedError with {message, replica_number, resource_hierarchy} if it fails: SYS_REPLICA_INACCESSIBLE if the named
    resource has no replica, SYS_REPLICA_DOES_NOT_EXIST if no replica has the number …
    """
    if "destRescName" in keywords:
        raise _refused(errors.SYS_INVALID_INPUT_PARAM, "[destRescName] keyword not supported.")
    if "rescName" in keywords and "replNum" in keywords:
        both = "[rescName] and [replNum] keywords cannot be used together."
        raise _refused(errors.SYS_INVALID_INPUT_PARAM, both)
    try:
        chosen = _choose(session, paths.checked(path), keywords)
    except IrodsError as error:
        message = f"Error occurred resolving hierarchy or getting information for [{path}]: {error.code}"
        raise _refused(error.code, message) from error
    resource = keywords.get("rescName")
    if resource and not chosen.is_on(resource):
        message = (
            f"Hierarchy descending from specified resource name [{resource}] does not have a replica of [{path}] or "
            "the replica is inaccessible at this time."
        )
        raise _refused(errors.SYS_REPLICA_INACCESSIBLE, message)
    if size == chosen.size:
        return _answer(f"Replica of [{path}] on [{chosen.hierarchy}] already has size [{size}].", chosen)
    try:
        _set_size(session, chosen, size, keywords)
    except IrodsError as error:
        message = f"Error occurred while truncating replica of [{path}] on [{chosen.hierarchy}]: {error.code}"
        raise _refused(error.code, message, chosen) from error
    return _answer("", chosen)


def _choose(session: Session, path: str, keywords: dict[str, str]) -> Replica:
    admin = opening.is_admin_call(session, keywords)
    resource = keywords.get("rescName")
    if resource and rows.find(session.db, resource) is None:
        raise IrodsError(errors.SYS_RESC_DOES_NOT_EXIST)
    replicas = stats.visible_replicas(session, path)
    if not replicas:
        raise IrodsError(errors.OBJ_PATH_DOES_NOT_EXIST)
    if not admin:
        access.require(session.db, session.client, replicas[0].data_id, access.MODIFY_OBJECT)
    return states.choose(replicas, keywords, write=True)


def _set_size(session: Session, chosen: Replica, size: int, keywords: dict[str, str]) -> None:
    if size < 0:
        raise IrodsError(errors.UNIX_FILE_TRUNCATE_ERR - errno.EINVAL)
    open_keywords = {**keywords, "resc_hier": chosen.hierarchy}
    number = opening.open_object(session, chosen.logical_path, os.O_WRONLY, 0, open_keywords)
    descriptor = session.descriptors.get(number)
    try:
        with vault.system_errors(errors.UNIX_FILE_TRUNCATE_ERR):
            os.ftruncate(descriptor.handle, size)
        descriptor.written = True
    finally:
        closing.close_replica(session, number)


def _refused(code: int, message: str, replica: Replica | None = None) -> DetailedError:
    answer = _answer(message, replica)
    return DetailedError(code, answer, answer["message"])


def _answer(message: str, replica: Replica | None) -> dict[str, Any]:
    return {
        "message": f"rs_replica_truncate: {message}" if message else "",
        "replica_number": None if replica is None else replica.repl_num,
        "resource_hierarchy": None if replica is None else replica.hierarchy,
    }
