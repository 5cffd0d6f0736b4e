"""The states of replicas: chooses the one to open, locks an object while it is written, unlocks it.

A replica that is being written is intermediate and its siblings are write-locked. Their status text holds their states
from before, so that the unlock can restore them. An agent that dies leaves them so, as on a real server.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from irods_zone import errors
from irods_zone.catalog import objects
from irods_zone.catalog.database import Database
from irods_zone.catalog.objects import Replica, ReplicaStatus
from irods_zone.errors import IrodsError
from irods_zone.operations import replica_tokens
from irods_zone.session import Session

_AT_REST = (ReplicaStatus.GOOD, ReplicaStatus.STALE)
_LOCKED = (ReplicaStatus.READ_LOCKED, ReplicaStatus.WRITE_LOCKED)


def choose(replicas: Sequence[Replica], keywords: Mapping[str, str], *, write: bool) -> Replica:
    """The replica for an open.

    A resource is a preference: a replica elsewhere is accepted. SYS_REPLICA_DOES_NOT_EXIST if the client names a
    hierarchy or a number that does not exist; HIERARCHY_ERROR if none can be opened.
    """
    hierarchy = keywords.get("resc_hier")
    number = keywords.get("replNum")
    if hierarchy or number:
        for replica in replicas:
            if (not hierarchy or replica.hierarchy == hierarchy) and (not number or str(replica.repl_num) == number):
                return replica
        raise IrodsError(errors.SYS_REPLICA_DOES_NOT_EXIST, f"no replica {number or 'on ' + str(hierarchy)}")
    resource = keywords.get("rescName") or (keywords.get("destRescName") if write else "")
    named = [replica for replica in replicas if replica.is_on(resource)] if resource else list(replicas)
    candidates = named or list(replicas)
    for status in _AT_REST:
        for replica in candidates:
            if replica.status == status:
                return replica
    raise IrodsError(errors.HIERARCHY_ERROR, f"'{candidates[0].logical_path}' has no replica that can be opened")


def require_open(session: Session, replica: Replica, token: str) -> None:
    """Raises an error unless a replica may be opened now: it is at rest, or the token is that of its writer."""
    if replica.status == ReplicaStatus.INTERMEDIATE:
        if token and replica_tokens.is_valid(session.config.root, replica.data_id, replica.repl_num, token):
            return
        raise IrodsError(errors.INTERMEDIATE_REPLICA_ACCESS, f"'{replica.logical_path}' is being written")
    if replica.status in _LOCKED:
        raise IrodsError(errors.LOCKED_DATA_OBJECT_ACCESS, f"'{replica.logical_path}' is being written")


def require_choice(replicas: Sequence[Replica]) -> None:
    """HIERARCHY_ERROR if none of the replicas can be chosen for anything: all are being written."""
    if all(replica.status not in _AT_REST for replica in replicas):
        raise IrodsError(errors.HIERARCHY_ERROR, "no valid resource found for data object")


def require_at_rest(replicas: Sequence[Replica]) -> None:
    """LOCKED_DATA_OBJECT_ACCESS if any replica is intermediate or locked."""
    for replica in replicas:
        if replica.status not in _AT_REST and replica.status != ReplicaStatus.READ_LOCKED:
            raise IrodsError(errors.LOCKED_DATA_OBJECT_ACCESS, f"'{replica.logical_path}' is being written")


def lock(db: Database, replica: Replica) -> Replica:
    """Makes a replica intermediate and its siblings write-locked; call it in the transaction that read them."""
    for sibling in objects.by_id(db, replica.data_id):
        is_own = sibling.repl_num == replica.repl_num
        objects.update(
            db,
            sibling,
            status=int(ReplicaStatus.INTERMEDIATE if is_own else ReplicaStatus.WRITE_LOCKED),
            status_text=sibling.status_text
            or json.dumps({"original_status": str(int(sibling.status))}, separators=(",", ":")),
        )
    return objects.replica(db, replica.data_id, replica.repl_num)


def unlock(
    db: Database, replica: Replica, status: ReplicaStatus | None, siblings: ReplicaStatus | None, **changes: object
) -> Replica:
    """Ends a write: sets the states of the replica and its siblings; None means the state from before the write."""
    with db.transaction():
        for sibling in objects.by_id(db, replica.data_id):
            if sibling.repl_num == replica.repl_num:
                chosen = _original(sibling) if status is None else status
                objects.update(db, sibling, status=int(chosen), status_text="", **changes)
            elif sibling.status in (*_LOCKED, ReplicaStatus.INTERMEDIATE) or siblings is not None:
                chosen = _original(sibling) if siblings is None else siblings
                objects.update(db, sibling, status=int(chosen), status_text="")
        return objects.replica(db, replica.data_id, replica.repl_num)


def unlock_siblings(db: Database, gone: Replica) -> None:
    """Restores the states of the siblings of a replica that no longer exists."""
    with db.transaction():
        for sibling in objects.by_id(db, gone.data_id):
            objects.update(db, sibling, status=int(_original(sibling)), status_text="")


def _original(replica: Replica) -> ReplicaStatus:
    try:
        return ReplicaStatus(int(json.loads(replica.status_text)["original_status"]))
    except (ValueError, KeyError, TypeError):
        return ReplicaStatus.STALE if replica.status not in _AT_REST else ReplicaStatus(replica.status)
