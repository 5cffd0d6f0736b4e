"""Gives data objects and collections other paths; files in vaults follow. Overwrites nothing.

A file gets its new name beside the old one before the catalog changes, and loses the old one afterwards: at any moment
of a crash, the path in the catalog has its file.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace
from pathlib import Path

from irods_zone import errors, paths
from irods_zone.catalog import access, collections
from irods_zone.catalog import objects as catalog
from irods_zone.catalog.objects import Replica
from irods_zone.errors import IrodsError
from irods_zone.operations import files, points, provider, servers, stats, vault
from irods_zone.session import Session

# Values of oprType that say what is renamed.
DATA_OBJECT = 11
COLLECTION = 12
_NO_RESOURCE = "EMPTY_RESC_NAME"


def relocate(session: Session, source: str, target: str, kind: int) -> None:
    """Renames an object or a collection, as its `kind` says, to a path that is free."""
    if not session.config.is_provider:
        provider.rename(session, source, target, kind)
        return
    source, target, replicas = checked(session, source, target, kind)
    move(session, source, target, replicas)


def checked(
    session: Session, source: str, target: str, kind: int | None, *, admin: bool = False
) -> tuple[str, str, list[Replica]]:
    """The checked paths of a rename, and the replicas of its source (none for a collection).

    Errors: SYS_CROSS_ZONE_MV_NOT_SUPPORTED, SAME_SRC_DEST_PATHS_ERR, CAT_INSUFFICIENT_PRIVILEGE_LEVEL,
    CAT_NO_ROWS_FOUND (nothing of that kind exists).
    """
    source, target = paths.checked(source), paths.checked(target)
    if source.split("/")[1] != target.split("/")[1]:
        raise IrodsError(errors.SYS_CROSS_ZONE_MV_NOT_SUPPORTED, f"'{target}' is in another zone")
    if source == target:
        raise IrodsError(errors.SAME_SRC_DEST_PATHS_ERR)
    if admin and not session.client.is_admin:
        raise IrodsError(errors.CAT_INSUFFICIENT_PRIVILEGE_LEVEL)
    replicas = stats.visible_replicas(session, source) if kind != COLLECTION else []
    if not replicas and (kind == DATA_OBJECT or not stats.is_visible_collection(session, source)):
        raise IrodsError(errors.CAT_NO_ROWS_FOUND, f"there is no '{source}'")
    return source, target, replicas


def move(session: Session, source: str, target: str, replicas: list[Replica], *, admin: bool = False) -> None:
    """Renames what `checked` has found, with the policy points of a rename, and touches the collections around it.

    Errors: CAT_NO_ACCESS_PERMISSION, CAT_NAME_EXISTS_AS_DATAOBJ, CAT_NAME_EXISTS_AS_COLLECTION,
    CAT_UNKNOWN_COLLECTION …
    """
    names = (source, target)
    db = session.db
    session.policy.static("acPreProcForObjRename", names)
    if not admin:
        _require_access(session, source, target, replicas)
    is_collection = not replicas
    if not servers.is_alone(session.config):
        files.require_servers(session, replicas or catalog.list_subtree(db, source))
    moved: list[tuple[Replica, Replica]] = []
    linked: list[str] = []
    try:
        with db.transaction():
            if is_collection:
                row = collections.require(db, source)
                if target.startswith(source + "/") and paths.name(source) != paths.name(target):
                    # A real server sets the name first; then the old place no longer exists.
                    raise IrodsError(errors.CAT_UNKNOWN_COLLECTION, f"'{target}' is inside '{source}'")
                affected = list(catalog.list_subtree(db, source))
                collections.rename(db, row, target)
            else:
                affected = catalog.by_id(db, replicas[0].data_id)
                catalog.rename(db, affected[0].data_id, target)
            for old in affected:
                new = catalog.replica(db, old.data_id, old.repl_num)
                if old.is_in_vault:
                    path = vault.free_path(new.vault, new.logical_path)
                    with contextlib.suppress(FileNotFoundError):  # an object whose file is missing can be renamed
                        _link(old.path, path, linked)
                    new = catalog.update(db, new, path=path)
                    moved.append((old, new))
    except BaseException:
        for path in linked:
            with contextlib.suppress(OSError):
                Path(path).unlink()
        raise
    for old, new in moved:
        vault.remove(old.path, old.vault)
        _announce(session, old, new, is_collection=is_collection)
    session.policy.static("acPostProcForObjRename", names)
    points.touch_parent(session, source)
    if paths.parent(source) != paths.parent(target):
        points.touch_parent(session, target)


def _link(old: str, new: str, linked: list[str]) -> None:
    if not os.path.lexists(old):
        raise FileNotFoundError(old)
    vault.add_name(old, new)
    linked.append(new)


def _announce(session: Session, old: Replica, new: Replica, *, is_collection: bool) -> None:
    points.resource(session, "rename", new, new.path)
    if is_collection:
        info = points.empty_object_info(
            dataId=new.data_id, filePath=new.path, objPath=new.logical_path, replNum=new.repl_num,
            rescHier=new.hierarchy, rescId=new.resc_id, rescName=_NO_RESOURCE,
        )  # fmt: skip
    else:
        known = replace(old, collection=new.collection, name=new.name, path=new.path)
        info = points.object_info(known)
    session.policy.static("acPreProcForModifyDataObjMeta", (), info)
    session.policy.static("acPostProcForModifyDataObjMeta", (), info)


def _require_access(session: Session, source: str, target: str, replicas: list[Replica]) -> None:
    db, user = session.db, session.client
    if replicas:
        access.require(db, user, replicas[0].data_id, access.OWN)
    else:
        if source.count("/") < 2:
            raise IrodsError(errors.CAT_NO_ACCESS_PERMISSION, f"'{source}' cannot be renamed")
        access.require_collection(db, user, source, access.OWN)
    if paths.parent(source) != paths.parent(target):
        into = collections.find(db, paths.parent(target))
        if into is None or not stats.is_visible(session, into.id):
            raise IrodsError(errors.CAT_UNKNOWN_COLLECTION, f"there is no collection '{paths.parent(target)}'")
        access.require(db, user, into.id, access.MODIFY_OBJECT)
