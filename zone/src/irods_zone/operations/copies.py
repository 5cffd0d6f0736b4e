"""Copies a data object to another path, on the server."""

from __future__ import annotations

import os
from typing import Any

from irods_zone import errors, paths
from irods_zone.catalog import objects as catalog
from irods_zone.descriptors import COPY_TARGET
from irods_zone.errors import IrodsError
from irods_zone.operations import closing, opening, points, stats, vault
from irods_zone.operations.creation import make_missing
from irods_zone.session import Session

_TARGET_FLAGS = os.O_CREAT | os.O_WRONLY | os.O_TRUNC


def copy(session: Session, source: str, target: str, keywords: dict[str, str] | None = None) -> int:
    """Copies a data object; `keywords` are the target's (destRescName, forceFlag …). Returns the number of bytes.

    Errors: USER_INPUT_PATH_ERR (no such source; source and target are the same), OVERWRITE_WITHOUT_FORCE_FLAG …
    """
    blank: dict[str, Any] = {"createMode": 0, "openFlags": 0, "dataSize": 0, "oprType": 0}
    from_record = {**blank, "objPath": source, "KeyValPair_PI": {}}
    return copy_records(session, from_record, {**blank, "objPath": target, "KeyValPair_PI": dict(keywords or {})})


def copy_records(session: Session, source: dict[str, Any], target: dict[str, Any]) -> int:
    """As `copy`, for the two halves of a DataObjCopyInp, which it extends as a real server does."""
    from_path, to_path = paths.checked(source["objPath"]), paths.checked(target["objPath"])
    for path in (from_path, to_path):
        if path.split("/")[1] != session.config.zone_name:
            raise IrodsError(errors.USER_INPUT_PATH_ERR, f"'{path}' is in another zone")
    if not stats.visible_replicas(session, from_path):
        raise IrodsError(errors.USER_INPUT_PATH_ERR, f"there is no data object '{from_path}'")
    keywords: dict[str, str] = target["KeyValPair_PI"]
    force = "forceFlag" in keywords or "forceFlag" in source["KeyValPair_PI"]
    if not force and catalog.exists(session.db, to_path):
        raise IrodsError(errors.OVERWRITE_WITHOUT_FORCE_FLAG, f"'{to_path}' exists")
    if from_path == to_path:
        raise IrodsError(errors.USER_INPUT_PATH_ERR, "source and target are one")
    source["KeyValPair_PI"]["translatedPath"] = ""
    keywords["translatedPath"] = ""
    reader = opening.open_object(session, from_path, os.O_RDONLY, 0, source["KeyValPair_PI"])
    try:
        target["openFlags"] = _TARGET_FLAGS
        mode = session.descriptors.get(reader).replica.mode
        target["createMode"] = int(mode) if mode.isdigit() else 0
        writer = _open_target(session, to_path, target["createMode"], keywords)
        descriptor = session.descriptors.get(writer)
        try:
            moved = vault.copy(session.descriptors.get(reader).handle, descriptor.handle)
        except BaseException:
            closing.abandon(session, writer)
            raise
        descriptor.written = True
        points.static_after(session, "acPostProcForDataCopyReceived", args=(descriptor.replica.resc,))
        closing.close(session, writer)
    finally:
        closing.close(session, reader)
    return moved


def _open_target(session: Session, path: str, mode: int, keywords: dict[str, str]) -> int:
    """Opens the target. Makes its collection if that is missing, but reports that it was missing all the same."""
    try:
        return opening.open_object(session, path, _TARGET_FLAGS, mode, keywords, operation=COPY_TARGET)
    except IrodsError as error:
        if error.code != errors.CAT_UNKNOWN_COLLECTION:
            raise
    make_missing(session, paths.parent(path))
    return opening.open_object(session, path, _TARGET_FLAGS, mode, keywords, operation=COPY_TARGET)
