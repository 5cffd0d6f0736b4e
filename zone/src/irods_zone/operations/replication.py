"""Copies a replica to another resource, and keeps those below replication resources together.

Whoever calls has asked for the right to do so.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping

from irods_zone import errors
from irods_zone.catalog import objects as catalog
from irods_zone.catalog.objects import Replica, ReplicaStatus
from irods_zone.descriptors import OpenType
from irods_zone.errors import IrodsError
from irods_zone.operations import files, hashing, points, resources, states, vault
from irods_zone.operations.failures import displayed
from irods_zone.session import Session


def follow(session: Session, path: str) -> None:
    """Makes and renews the replicas that replication resources have beside the good ones; else one query."""
    found = catalog.find(session.db, path)
    for replica in found:
        if ";" not in replica.hierarchy or replica.status != ReplicaStatus.GOOD:
            continue
        for target in resources.followers(session, replica, found):
            copy_to(session, path, target.name, catalog.find(session.db, path), {})
            found = catalog.find(session.db, path)


def copy_to(session: Session, path: str, target: str, found: list[Replica], keywords: dict[str, str]) -> int:
    """Makes or renews the replica on the resource `target`; returns the number of bytes."""
    with displayed(session):
        states.require_choice(found)
    states.require_at_rest(found)
    source = _source(found, keywords)
    existing = next((each for each in found if each.resc == target), None)
    keywords["resc_hier"] = source.hierarchy
    keywords["dest_resc_hier"] = resources.by_name(session, target).hierarchy
    if existing is not None and source.status != ReplicaStatus.GOOD:
        with displayed(session):
            raise IrodsError(
                errors.SYS_NOT_ALLOWED,
                f"Selected source replica in hierarchy [{source.hierarchy}] is not good and will overwrite an existing"
                " replica. Replication is not allowed.",
            )
    if existing is not None and existing.status == ReplicaStatus.GOOD:
        points.resource(session, "modified", existing, open_type=int(OpenType.WRITE))
        return 0
    session.policy.static("acPreprocForDataObjOpen", (), points.object_info(source))
    row = resources.by_name(session, target)
    if existing is None:
        replica = catalog.add_replica(
            session.db, source, resc=row.name, physical_path=vault.free_path(row.vault, path), size=0
        )
        try:
            handle = files.create(session, replica)
        except BaseException:
            catalog.delete(session.db, replica)
            raise
    else:
        with session.db.transaction():
            replica = catalog.update(session.db, existing, status=int(ReplicaStatus.INTERMEDIATE), status_text="")
        with vault.system_errors(errors.UNIX_FILE_OPEN_ERR):
            handle = os.open(replica.path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        moved = fill(session, source, handle)
    except BaseException:
        catalog.update(session.db, replica, status=int(ReplicaStatus.STALE))
        raise
    points.static_after(session, "acPostProcForDataCopyReceived", args=(target,))
    checksum = source.checksum or (hashing.of_file(replica.path) if "verifyChksum" in keywords else "")
    opened = replica
    with session.db.transaction():
        status = source.status if is_unchanged(session, source) else ReplicaStatus.STALE
        replica = catalog.update(session.db, replica, size=moved, status=int(status), checksum=checksum,
                                 modified=source.modified)  # fmt: skip
    open_type = OpenType.CREATE if existing is None else OpenType.WRITE
    # A real server names the source's file here.
    announced = dataclasses.replace(replica, path=source.path) if existing is None else replica
    points.resource(session, "modified", announced, size=moved, open_type=int(open_type))
    info = points.object_info(opened, dataSize=moved, chksum=checksum)
    points.static_after(session, "acPostProcForCreate" if existing is None else "acPostProcForOpen", info)
    points.static_after(session, "acPostProcForPut", info)
    return moved


def _source(found: list[Replica], keywords: Mapping[str, str]) -> Replica:
    """The replica to copy from; SYS_REPLICA_INACCESSIBLE if there is none on the named resource."""
    resource = keywords.get("rescName", "")
    if resource and not any(replica.is_on(resource) for replica in found):
        raise IrodsError(errors.SYS_REPLICA_INACCESSIBLE, f"no replica on {resource}")
    named = {key: keywords[key] for key in ("replNum", "rescName") if keywords.get(key)}
    return states.choose(found, named, write=False)


def is_unchanged(session: Session, source: Replica) -> bool:
    """Whether a replica is unchanged since it was read, and no process is about to write it."""
    fresh = catalog.replica(session.db, source.data_id, source.repl_num)
    return (fresh.status, fresh.modified, fresh.size) == (source.status, source.modified, source.size)


def fill(session: Session, source: Replica, handle: int) -> int:
    """Copies a replica's file to an open one, which is closed; returns the number of bytes."""
    try:
        reader = files.open_(session, source, os.O_RDONLY)
        try:
            return vault.copy(reader, handle)
        finally:
            files.close(session, reader)
    finally:
        files.close(session, handle)
