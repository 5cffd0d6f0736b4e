"""Changes and removes collections; `creation` makes them."""

from __future__ import annotations

import time
from collections.abc import Mapping

from irods_zone import errors, paths
from irods_zone.catalog import access
from irods_zone.catalog import collections as catalog
from irods_zone.catalog import objects as objects_catalog
from irods_zone.errors import IrodsError
from irods_zone.operations import opening, points, provider, relocation, removal, stats, trash
from irods_zone.operations.creation import RECURSIVE
from irods_zone.session import Session

FORCE = "forceFlag"


def remove(session: Session, path: str, keywords: dict[str, str] | None = None, *, operation: int = 0) -> int:
    """Removes a collection: into the trash, or for good with `forceFlag`. Returns how many objects it deleted for good.

    Without `recursiveOpr` the collection must be empty (CAT_COLLECTION_NOT_EMPTY).
    """
    keywords = {} if keywords is None else keywords
    path = paths.checked(path)
    if not session.config.is_provider:
        return provider.remove_collection(session, path, keywords, operation)
    keywords["translatedPath"] = ""
    session.policy.static("acPreprocForRmColl")
    if RECURSIVE not in keywords:
        _delete_row(session, path, keywords)
        count = 1
    else:
        count = _remove_recursively(session, path, keywords, operation)
    points.static_after(session, "acPostProcForRmColl")
    points.touch_parent(session, path)
    return count


def is_for_good(keywords: Mapping[str, str], operation: int = 0) -> bool:
    """Whether a removal deletes a collection with its content, rather than an empty one or into the trash."""
    forced = keywords.keys() & {FORCE, trash.EMPTY, trash.EMPTY_BY_ADMIN} or operation == removal.UNREGISTER
    return RECURSIVE in keywords and bool(forced)


def _remove_recursively(session: Session, path: str, keywords: Mapping[str, str], operation: int) -> int:
    if not is_for_good(keywords, operation):
        opening.is_admin_call(session, keywords)
        if not stats.is_visible_collection(session, path):
            raise IrodsError(errors.CAT_NO_ROWS_FOUND, f"there is no collection '{path}'")
        _require_deletable(session, path, keywords)
        _check_contents(session, path)
        target = trash.path_for(session, path)
        relocation.relocate(session, path, target, relocation.COLLECTION)
        return 1
    if not stats.is_visible_collection(session, path):
        raise IrodsError(errors.USER_FILE_DOES_NOT_EXIST, f"there is no collection '{path}'")
    if keywords.keys() & {trash.EMPTY, trash.EMPTY_BY_ADMIN}:
        if not paths.is_in_trash(path):
            raise IrodsError(errors.SYS_INVALID_FILE_PATH, f"'{path}' is not in the trash")
        if trash.EMPTY_BY_ADMIN in keywords and not session.client.is_admin:
            raise IrodsError(errors.CAT_INSUFFICIENT_PRIVILEGE_LEVEL)
    opening.is_admin_call(session, keywords)
    return _remove_for_good(session, path, keywords, operation)


def _check_contents(session: Session, path: str) -> None:
    """Before a collection goes into the trash: its user must be able to delete something in it, if anything is there,
    and the policy of deletions is asked about each object."""
    listed = objects_catalog.list_subtree(session.db, path)
    visible = [replica for replica in listed if stats.is_visible(session, replica.data_id)]
    db, user = session.db, session.client
    deletable = [replica for replica in visible if access.level_of(db, user, replica.data_id) >= access.DELETE_OBJECT]
    if visible and not deletable and not user.is_admin:
        raise IrodsError(errors.CAT_NO_ACCESS_PERMISSION, f"nothing in '{path}' may be deleted")
    for replica in {replica.data_id: replica for replica in deletable or visible}.values():
        info = points.empty_object_info(objPath=replica.logical_path, rescName=replica.resc)
        session.policy.static("acDataDeletePolicy", (), info)


def _remove_for_good(session: Session, path: str, keywords: Mapping[str, str], operation: int) -> int:
    """Removes the content of a collection, collections first, then the collection. A failure does not stop the rest."""
    age = keywords.get("age", "")
    row = catalog.require(session.db, path)
    if age.isdigit() and time.time() - int(row.modified) < int(age) * 60:
        return 0
    if paths.is_home(path) and not catalog.is_empty(session.db, row):
        raise IrodsError(errors.CANT_RM_NON_EMPTY_HOME_COLL, f"'{path}' is a home collection")
    passed = {key: value for key, value in keywords.items() if key != RECURSIVE} | {FORCE: ""}
    count = 0
    failure: IrodsError | None = None
    for child in catalog.children(session.db, path):
        if not stats.is_visible(session, child.id):
            continue
        session.policy.static("acPreprocForRmColl")
        try:
            count += _remove_for_good(session, child.path, passed, operation)
        except IrodsError as error:
            failure = error
        points.static_after(session, "acPostProcForRmColl")
    listed = objects_catalog.list_collection(session.db, path)
    for name in dict.fromkeys(replica.name for replica in listed if stats.is_visible(session, replica.data_id)):
        try:
            removal.unlink(session, f"{path}/{name}", dict(passed), operation=operation)
            count += 1
        except IrodsError as error:
            failure = error
    emptied = keywords.keys() & {trash.EMPTY, trash.EMPTY_BY_ADMIN}
    if not (emptied and paths.is_trash_home(path)):
        _delete_row(session, path, keywords)  # fails if a failure left something behind: the client gets this error
    if failure is not None:
        raise failure
    return count


def _require_deletable(session: Session, path: str, keywords: Mapping[str, str]) -> None:
    if opening.ADMIN not in keywords and trash.EMPTY_BY_ADMIN not in keywords:
        access.require_collection(session.db, session.client, path, access.DELETE_OBJECT)


def _delete_row(session: Session, path: str, keywords: Mapping[str, str]) -> None:
    opening.is_admin_call(session, keywords)
    _require_deletable(session, path, keywords)
    if path.count("/") < 2:
        raise IrodsError(errors.CAT_NO_ACCESS_PERMISSION, f"'{path}' cannot be removed")
    if not keywords.keys() & {opening.ADMIN, trash.EMPTY_BY_ADMIN}:
        parent = paths.parent(path)
        access.require_collection(session.db, session.client, parent, access.MODIFY_OBJECT)
    catalog.delete(session.db, catalog.require(session.db, path))


def modify(session: Session, path: str, keywords: Mapping[str, str]) -> None:
    """Changes a collection's type, infos or modify time."""
    path = paths.checked(path)
    if not session.config.is_provider:
        provider.modify_collection(session, path, keywords)
        return
    session.policy.static("acPreProcForModifyCollMeta")
    admin = opening.is_admin_call(session, keywords)
    access.require_collection(session.db, session.client, path, access.MODIFY_OBJECT, admin=admin)
    found = catalog.require(session.db, path)
    mtime = keywords.get("collectionMtime", "")
    if mtime and not mtime.isdigit():
        raise IrodsError(errors.SYS_INVALID_INPUT_PARAM, f"{mtime!r} is no time")
    catalog.update(
        session.db,
        found,
        coll_type=keywords.get("collectionType"),
        info1=keywords.get("collectionInfo1"),
        info2=keywords.get("collectionInfo2"),
        modified=f"{int(mtime):011d}" if mtime else None,
    )
    session.policy.static("acPostProcForModifyCollMeta")
