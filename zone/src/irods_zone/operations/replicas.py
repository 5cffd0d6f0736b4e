"""Makes, moves and trims replicas; also corrections of the catalog by administrators."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from irods_zone import errors, paths
from irods_zone.catalog import access, collections
from irods_zone.catalog import objects as catalog
from irods_zone.catalog.database import now
from irods_zone.catalog.objects import Replica, ReplicaStatus
from irods_zone.descriptors import OpenType
from irods_zone.errors import IrodsError
from irods_zone.operations import files, opening, points, provider, removal, resources, states, stats, vault
from irods_zone.operations.failures import displayed, refusal
from irods_zone.operations.replication import copy_to, fill, follow, is_unchanged
from irods_zone.session import Session


def replicate(session: Session, path: str, keywords: dict[str, str] | None = None) -> int:
    """Makes a replica on `destRescName`, or renews a stale one there; returns the number of bytes."""
    keywords = {} if keywords is None else keywords
    path = paths.checked(path)
    admin = opening.is_admin_call(session, keywords)
    if "all" in keywords and keywords.get("destRescName"):
        raise IrodsError(errors.USER_INCOMPATIBLE_PARAMS, "all replicas are renewed where they are")
    found = stats.require_replicas(session, path)
    if not admin and access.level_of(session.db, session.client, found[0].data_id) < access.MODIFY_OBJECT:
        user = f"{session.client.name}#{session.client.zone}"
        text = f"User [{user}] does not have sufficient permission to replicate object [{path}]."
        raise refusal(session, errors.SYS_USER_NO_PERMISSION, text)
    if "updateRepl" in keywords or "all" in keywords:
        stale = [replica for replica in found if replica.status == ReplicaStatus.STALE]
        stale = stale if "all" in keywords else stale[:1]
        done = sum(copy_to(session, path, replica.resc, found, keywords) for replica in stale)
        follow(session, path)
        return done
    target = keywords.get("destRescName") or keywords.get("defRescName") or keywords.get("backupRescName")
    resource = resources.for_new_replica(session, {"destRescName": target} if target else {})
    done = copy_to(session, path, resource.name, found, keywords)
    follow(session, path)
    return done


def move(session: Session, path: str, keywords: dict[str, str]) -> int:
    """Moves a replica to `destRescName` (iphymv); it keeps its number. Returns the number of bytes.

    Copies the file, changes the catalog, then removes the old file: a crash leaves at most one file too many.
    """
    path = paths.checked(path)
    admin = opening.is_admin_call(session, keywords)
    if "replNum" in keywords and "rescName" in keywords:
        raise IrodsError(errors.USER_INCOMPATIBLE_PARAMS, "a resource and a number exclude each other")
    with displayed(session):
        if not keywords.keys() & {"replNum", "rescName", "resc_hier"}:
            text = "Source hierarchy or leaf resource or replica number required - none provided."
            raise IrodsError(errors.USER__NULL_INPUT_ERR, text)
    if keywords.get("rescName"):
        resources.by_name(session, keywords["rescName"])
    found = stats.require_replicas(session, path)
    if keywords.get("rescName") and not any(replica.is_on(keywords["rescName"]) for replica in found):
        raise refusal(session, errors.SYS_REPLICA_DOES_NOT_EXIST, "error finding source replica.")
    if not admin:
        access.require(session.db, session.client, found[0].data_id, access.DELETE_OBJECT)
    resource, number = keywords.get("rescName"), keywords.get("replNum")
    named = [
        replica
        for replica in found
        if (not resource or replica.is_on(resource)) and (not number or str(replica.repl_num) == number)
    ]
    source = named[0] if named else states.choose(found, keywords, write=False)
    if source.status == ReplicaStatus.INTERMEDIATE:
        with displayed(session):
            raise IrodsError(errors.INTERMEDIATE_REPLICA_ACCESS, "Failed opening source replica")
    states.require_at_rest(found)
    target = resources.for_new_replica(session, {"destRescName": keywords.get("destRescName", "")})
    if any(replica.resc == target.name for replica in found):
        raise IrodsError(errors.SYS_COPY_ALREADY_IN_RESC, f"a replica of '{path}' is on {target.name} already")
    keywords["translatedPath"] = ""
    session.policy.static("acPreprocForDataObjOpen", (), points.object_info(source))
    new_path = vault.free_path(target.vault, path)
    coming = dataclasses.replace(
        source, path=new_path, resc=target.name, hierarchy=target.hierarchy, vault=target.vault, host=target.host
    )
    moved = fill(session, source, files.create(session, coming))
    try:
        with session.db.transaction():
            if not is_unchanged(session, source):
                raise IrodsError(errors.LOCKED_DATA_OBJECT_ACCESS, f"'{path}' was written meanwhile")
            replica = catalog.update(session.db, source, resc_id=target.id, path=new_path)
    except BaseException:
        vault.remove(new_path, target.vault)
        raise
    removal.after_delete(session, source)
    points.resource(session, "modified", replica, size=moved, open_type=int(OpenType.CREATE))
    return moved


def trim(session: Session, path: str, keywords: dict[str, str], *, operation: int = 0) -> int:
    """Removes replicas down to `copies` (default 2), stale ones first, then by number. Returns 1 if any was removed.

    `replNum` or `rescName` name what may be removed. An object with no more than `copies` loses none.
    With the oprType of unregistering the files stay.
    """
    path = paths.checked(path)
    keywords["translatedPath"] = ""
    if keywords.get("replNum") and keywords.get("rescName"):
        raise IrodsError(errors.USER_INCOMPATIBLE_PARAMS, "a resource and a number exclude each other")
    if "replNum" in keywords:  # a real server puts it last
        keywords["replNum"] = keywords.pop("replNum")
    admin = opening.is_admin_call(session, keywords)
    found = stats.require_replicas(session, path)
    states.require_choice(found)
    with session.db.transaction():  # two trims at once must not together remove the last good replica
        found = catalog.by_id(session.db, found[0].data_id)
        states.require_at_rest(found)
        trimmed = _choose_to_trim(found, keywords)
        if "dryrun" in keywords or not trimmed:
            return int(bool(trimmed))
        if not admin:
            access.require(session.db, session.client, found[0].data_id, access.DELETE_OBJECT)
        for replica in trimmed:
            catalog.delete(session.db, replica)
    for replica in trimmed:
        removal.after_delete(session, replica, keep_file=operation == removal.UNREGISTER)
    return int(bool(trimmed))


def _choose_to_trim(found: list[Replica], keywords: Mapping[str, str]) -> list[Replica]:
    number, resource = keywords.get("replNum"), keywords.get("rescName")
    copies = keywords.get("copies", "2")
    if not copies.isdigit() or int(copies) < 1:
        raise IrodsError(errors.SYS_INVALID_INPUT_PARAM, f"{copies!r} copies")
    if len(found) <= int(copies):
        return []
    good = [replica for replica in found if replica.status == ReplicaStatus.GOOD]
    if number:
        named = [replica for replica in found if str(replica.repl_num) == number]
        if not named:
            raise IrodsError(errors.SYS_REPLICA_DOES_NOT_EXIST, f"no replica {number}")
        if good == named:
            raise IrodsError(errors.USER_INCOMPATIBLE_PARAMS, "the last good replica is not trimmed")
        return named
    candidates = [replica for replica in found if not resource or replica.is_on(resource)]
    candidates.sort(key=lambda replica: (replica.status == ReplicaStatus.GOOD, replica.repl_num))
    trimmed: list[Replica] = []
    for replica in candidates:
        remaining = [other for other in found if other not in trimmed and other != replica]
        if len(remaining) < int(copies) or not any(other.status == ReplicaStatus.GOOD for other in remaining):
            break
        trimmed.append(replica)
    return trimmed


# Keywords of a catalog correction -> the field of a replica, and whether only administrators may set it.
_FIELDS = {
    "replStatus": ("status", True),
    "dataSize": ("size", True),
    "filePath": ("path", True),
    "dataOwner": ("owner", True),
    "dataOwnerZone": ("owner_zone", True),
    "dataCreate": ("created", True),
    "dataMode": ("mode", True),
    "rescId": ("resc_id", True),
    "replNum": ("repl_num", True),
    "version": ("version", True),
    "chksum": ("checksum", False),
    "dataComments": ("comment", False),
    "dataExpiry": ("expiry", False),
    "dataModify": ("modified", False),
    "dataType": ("data_type", False),
    "dataAccessTime": ("accessed", True),
}
_INTEGERS = {"status", "size", "resc_id", "repl_num"}


def modify(
    session: Session,
    path: str,
    keywords: Mapping[str, str],
    *,
    data_id: int = 0,
    replica_number: int = 0,
    hierarchy: str = "",
) -> None:
    """Changes a replica's row as requested by `iadmin modrepl`, isysmeta and python-irodsclient's modDataObjMeta."""
    if not session.config.is_provider:
        provider.modify_replica(
            session, path, keywords, data_id=data_id, replica_number=replica_number, hierarchy=hierarchy
        )
        return
    found = catalog.find(session.db, paths.checked(path)) if path else catalog.by_id(session.db, data_id)
    if not found and path and opening.ADMIN in keywords and collections.find(session.db, paths.parent(path)) is None:
        raise refusal(session, errors.CAT_UNKNOWN_COLLECTION, f"collection '{paths.parent(path)}' is unknown")
    if not found and path and opening.ADMIN in keywords:
        text = "db_mod_data_obj_meta_op - Failed to find file in database by its logical path."
        raise refusal(session, errors.CAT_UNKNOWN_FILE, text)
    if not found:
        raise IrodsError(errors.CAT_NO_ROWS_FOUND, f"there is no data object '{path or data_id}'")
    admin = opening.is_admin_call(session, keywords)
    changes: dict[str, Any] = {}
    for key, (field, for_admins) in _FIELDS.items():
        if key in keywords:
            if for_admins and not session.client.is_admin:
                raise IrodsError(errors.CAT_INSUFFICIENT_PRIVILEGE_LEVEL, f"{key} is set by administrators only")
            changes[field] = _value(field, keywords[key])
    if not admin:
        access.require(session.db, session.client, found[0].data_id, access.MODIFY_OBJECT)
    if not changes:
        raise IrodsError(errors.USER_BAD_KEYWORD_ERR, "nothing to change")
    by_place = [replica for replica in found if replica.hierarchy == hierarchy]
    by_number = [replica for replica in found if replica.repl_num == replica_number]
    target = next(iter(by_place if hierarchy else by_number), None)
    if target is None:
        raise IrodsError(errors.SYS_REPLICA_DOES_NOT_EXIST, f"no replica {hierarchy or replica_number}")
    info = points.object_info(target)
    session.policy.static("acPreProcForModifyDataObjMeta", (), info)
    if "all" in keywords:
        catalog.update_all(session.db, target.data_id, **changes)
    else:
        if changes.get("status") in (ReplicaStatus.GOOD, ReplicaStatus.STALE):
            changes["status_text"] = ""
        catalog.update(session.db, target, **changes)
    session.policy.static("acPostProcForModifyDataObjMeta", (), info)


def _value(field: str, text: str) -> str | int:
    if field in _INTEGERS:
        if not text.isdigit():
            raise IrodsError(errors.SYS_INVALID_INPUT_PARAM, f"{text!r} is no number")
        return int(text)
    if field in ("modified", "created", "expiry", "accessed"):
        if text == points.TIME_IS_NOW:
            return now()
        if not text.isdigit():
            raise IrodsError(errors.SYS_INVALID_INPUT_PARAM, f"{text!r} is no time")
        return f"{int(text):011d}"
    return text
