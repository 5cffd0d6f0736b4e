"""Checksums of data objects: computing, registering, verifying."""

from __future__ import annotations

from zone import errors
from zone.catalog import access
from zone.catalog import objects as catalog
from zone.catalog.objects import Replica, ReplicaStatus
from zone.errors import IrodsError
from zone.operations import hashing, opening, paths, points, states
from zone.session import Session


def checksum(session: Session, path: str, keywords: dict[str, str] | None = None) -> str:
    """The checksum of a data object; computed and registered if there is none yet (or with `forceChksum`).

    With `verifyChksum` nothing is registered: the registered one is compared with the file (USER_CHKSUM_MISMATCH).
    """
    keywords = {} if keywords is None else keywords
    path = paths.checked(path)
    keywords["translatedPath"] = ""
    admin = opening.is_admin_call(session, keywords)
    replicas = catalog.find(session.db, path)
    if not replicas:
        raise IrodsError(errors.CAT_NO_ROWS_FOUND, f"there is no data object '{path}'")
    if not admin:
        access.require(session.db, session.client, replicas[0].data_id, access.READ_OBJECT)
    if "ChksumAll" in keywords and "replNum" not in keywords:
        found = [_one(session, replica, keywords, admin=admin) for replica in replicas if _at_rest(replica)]
        return found[0] if found else ""
    chosen = states.choose(replicas, keywords, write=False)
    if not _at_rest(chosen):
        raise IrodsError(errors.LOCKED_DATA_OBJECT_ACCESS, f"'{path}' is being written")
    keywords.setdefault("resc_hier", chosen.hierarchy)
    return _one(session, chosen, keywords, admin=admin)


def _at_rest(replica: Replica) -> bool:
    return replica.status in (ReplicaStatus.GOOD, ReplicaStatus.STALE)


def _one(session: Session, replica: Replica, keywords: dict[str, str], *, admin: bool) -> str:
    if "verifyChksum" in keywords:
        return _verified(session, replica, keywords)
    if replica.checksum and "forceChksum" not in keywords:
        return replica.checksum
    found = hashing.of_file(replica.path, hashing.scheme_of(keywords.get("regChksum", "")))
    if admin or access.level_of(session.db, session.client, replica.data_id) >= access.MODIFY_OBJECT:
        info = points.object_info(replica)
        session.policy.static(session, "acPreProcForModifyDataObjMeta", (), info)
        catalog.update(session.db, replica, checksum=found)
        session.policy.static(session, "acPostProcForModifyDataObjMeta", (), info)
    return found


def _verified(session: Session, replica: Replica, keywords: dict[str, str]) -> str:
    if not replica.checksum:
        session.error_stack.append((errors.CAT_NO_CHECKSUM_FOR_REPLICA, f"replica {replica.repl_num} has no checksum"))
        raise IrodsError(errors.CHECK_VERIFICATION_RESULTS, f"'{replica.logical_path}' has no checksum")
    found = hashing.of_file(replica.path, hashing.scheme_of(replica.checksum))
    if found != replica.checksum:
        session.error_stack.append((errors.USER_CHKSUM_MISMATCH, f"replica {replica.repl_num} does not match"))
        raise IrodsError(errors.CHECK_VERIFICATION_RESULTS, f"'{replica.logical_path}' does not match its checksum")
    return found


def of_descriptor(session: Session, number: int) -> str:
    """The checksum that goes with a get: the registered one, or one computed and not registered."""
    replica = session.descriptors.get(number).replica
    return replica.checksum or hashing.of_file(replica.path)
