"""Closes data objects: sizes from the vault, checksums, replica states, and the policy points after a write.

A replica becomes good only after its size was read from the vault path: the file may have been replaced while it was
open. After any error it is stale, never good.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from typing import Any

from irods_zone import errors
from irods_zone.catalog import objects as catalog
from irods_zone.catalog.database import now
from irods_zone.catalog.objects import Replica, ReplicaStatus
from irods_zone.descriptors import COPY_TARGET, Descriptor, OpenType
from irods_zone.errors import IrodsError
from irods_zone.operations import files, hashing, points, replica_tokens, replication, states, vault
from irods_zone.session import Session


def close(session: Session, number: int, keywords: Mapping[str, str] | None = None) -> None:
    """Closes a descriptor. A replica that was written gets its size from the vault path and becomes good."""
    descriptor = _let_go(session, number)
    if not descriptor.writable:
        info = points.object_info(descriptor.replica, condInput=descriptor.open_keywords)
        points.static_after(session, "acPostProcForOpen", info)
        return
    replica, changed = _finish(session, descriptor)
    if changed:
        points.resource(session, "modified", replica, size=replica.size, open_type=int(descriptor.open_type))
    announce(session, descriptor, info_after_write(descriptor, replica, changed=changed), changed=changed)


def info_after_write(descriptor: Descriptor, replica: Replica, *, changed: bool = True) -> dict[str, Any]:
    """The DataObjInfo for the points after a write."""
    info = points.object_info(replica)
    if changed:
        info["dataModify"] = points.TIME_IS_NOW
    if descriptor.open_type is OpenType.WRITE:
        info.update(condInput=descriptor.open_keywords, writeFlag=1)
    return info


def announce(session: Session, descriptor: Descriptor, info: dict[str, Any], *, changed: bool = True) -> None:
    """Passes the static points at the end of a write."""
    created = descriptor.open_type is OpenType.CREATE
    points.static_after(session, "acPostProcForCreate" if created else "acPostProcForOpen", info)
    if descriptor.operation == COPY_TARGET:
        points.static_after(session, "acPostProcForCopy", info)
    elif changed:
        points.static_after(session, "acPostProcForPut", info)


def close_replica(
    session: Session,
    number: int,
    *,
    update_size: bool = True,
    update_status: bool = True,
    compute_checksum: bool = False,
    send_notification: bool = True,
) -> None:
    """The close of API 20004: the request selects the steps, and no static points are passed."""
    descriptor = session.descriptors.get(number)
    if not descriptor.writable:
        if compute_checksum:
            raise IrodsError(errors.USER_INCOMPATIBLE_PARAMS, "no checksum is computed for a replica open for reading")
        _let_go(session, number)
        return
    if compute_checksum and not update_size:
        raise IrodsError(errors.USER_INCOMPATIBLE_PARAMS, "a checksum needs update_size")
    _let_go(session, number)
    if not (update_size or update_status):
        return
    if compute_checksum:
        descriptor.keywords.setdefault("regChksum", "")
    replica, changed = _finish(session, descriptor)
    if changed and send_notification:
        points.resource(session, "modified", replica, size=replica.size, open_type=int(descriptor.open_type))


def _let_go(session: Session, number: int) -> Descriptor:
    descriptor = session.descriptors.remove(number)
    if descriptor.token:
        replica = descriptor.replica
        replica_tokens.release(session.config.root, replica.data_id, replica.repl_num, descriptor.token, number)
    files.close(session, descriptor.handle)
    return descriptor


def _finish(session: Session, descriptor: Descriptor) -> tuple[Replica, bool]:
    """Ends a write in the catalog; returns the replica and whether its content may have changed."""
    created = descriptor.open_type is OpenType.CREATE
    db = session.db
    try:
        replica = catalog.replica(db, descriptor.replica.data_id, descriptor.replica.repl_num)
    except IrodsError as error:
        raise IrodsError(error.code, f"'{descriptor.path}' was removed while it was open") from error
    try:
        size = vault.size_of(replica.path)
        expected = descriptor.data_size
        if created and expected > 0 and size != expected:
            raise IrodsError(errors.SYS_COPY_LEN_ERR, f"{size} bytes arrived, {expected} were announced")
        emptied = bool(descriptor.flags & os.O_TRUNC and descriptor.size_before)
        changed = created or descriptor.written or emptied or size != descriptor.size_before
        if not changed:
            return states.unlock(db, replica, None, None), False
        checksum = _checksum(descriptor, replica.path)
    except BaseException:
        states.unlock(db, replica, ReplicaStatus.STALE, None, modified=now())
        raise
    siblings = None if created and not descriptor.adds_replica else ReplicaStatus.STALE
    done = states.unlock(db, replica, ReplicaStatus.GOOD, siblings, size=size, modified=now(), checksum=checksum)
    if ";" in done.hierarchy:
        replication.follow(session, done.logical_path)
    return done, True


def _checksum(descriptor: Descriptor, path: str) -> str:
    """The checksum that the client requested at open, or ''. USER_CHKSUM_MISMATCH if the client sent another one."""
    keywords = descriptor.keywords
    copied = descriptor.operation == COPY_TARGET and "verifyChksum" in keywords
    if not copied and "regChksum" not in keywords and not keywords.get("verifyChksum"):
        return ""
    expected = keywords.get("verifyChksum") or keywords.get("regChksum") or ""
    found = hashing.of_file(path, hashing.scheme_of(expected))
    if keywords.get("verifyChksum") and found != expected:
        raise IrodsError(errors.USER_CHKSUM_MISMATCH, f"'{descriptor.path}' arrived as {found}, not {expected}")
    return found


def finish(session: Session, number: int) -> Replica:
    """Closes a written replica without any policy point."""
    return _finish(session, _let_go(session, number))[0]


def abandon(session: Session, number: int) -> None:
    """Closes a descriptor whose transfer failed; a written replica becomes stale."""
    descriptor = _let_go(session, number)
    if not descriptor.writable or _is_shared(session, descriptor):
        return
    replica = catalog.replica(session.db, descriptor.replica.data_id, descriptor.replica.repl_num)
    if replica.status == ReplicaStatus.INTERMEDIATE:
        size = vault.size_of(replica.path)
        states.unlock(session.db, replica, ReplicaStatus.STALE, None, size=size, modified=now(), checksum="")


def abandon_all(session: Session) -> None:
    """As `abandon`, for all descriptors that a client left open."""
    for number in session.descriptors.numbers():
        with contextlib.suppress(IrodsError):
            abandon(session, number)


def _is_shared(session: Session, descriptor: Descriptor) -> bool:
    replica = descriptor.replica
    return replica_tokens.is_valid(session.config.root, replica.data_id, replica.repl_num, descriptor.token)
