"""Opening and closing data objects: descriptors, replica states, vault files, and the policy points on the way.

The catalog says intermediate before a vault file is touched and good only after its size was read back from the vault
path, so that a process that dies in between leaves what a real server leaves.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from zone import errors
from zone.catalog import access, collections
from zone.catalog import objects as catalog
from zone.catalog.database import now
from zone.catalog.objects import Replica, ReplicaStatus
from zone.errors import IrodsError
from zone.operations import hashing, paths, points, resources, states, tokens, vault
from zone.operations.descriptors import Descriptor, OpenType
from zone.session import Session

ADMIN = "irodsAdmin"
# Values of oprType.
PUT = 1
COPY_TARGET = 9
COPY_SOURCE = 10
_KEPT_FLAGS = os.O_ACCMODE | os.O_TRUNC | os.O_APPEND
_ACCESS_TIME_RESOLUTION = 86400


def is_admin_call(session: Session, keywords: Mapping[str, str]) -> bool:
    """Whether the call is made in admin mode; CAT_INSUFFICIENT_PRIVILEGE_LEVEL if the user may not."""
    if ADMIN not in keywords:
        return False
    if not session.client.is_admin:
        raise IrodsError(errors.CAT_INSUFFICIENT_PRIVILEGE_LEVEL, "admin mode is for administrators")
    return True


def open_object(
    session: Session,
    path: str,
    flags: int,
    mode: int = 0,
    keywords: dict[str, str] | None = None,
    *,
    data_size: int = -1,
    operation: int = 0,
) -> int:
    """Opens a data object, or makes it if `flags` has O_CREAT; returns the descriptor.

    `keywords` is extended as a real server extends it. Errors: OBJ_PATH_DOES_NOT_EXIST, CAT_NO_ACCESS_PERMISSION,
    HIERARCHY_ERROR, INTERMEDIATE_REPLICA_ACCESS, LOCKED_DATA_OBJECT_ACCESS, SYS_REPLICA_DOES_NOT_EXIST …
    """
    keywords = {} if keywords is None else keywords
    path = paths.checked(path, relative=errors.SYS_INVALID_FILE_PATH)
    admin = is_admin_call(session, keywords)
    replicas = catalog.find(session.db, path)
    write = flags & os.O_ACCMODE != os.O_RDONLY
    if not replicas:
        if not flags & os.O_CREAT:
            raise IrodsError(errors.OBJ_PATH_DOES_NOT_EXIST, f"there is no data object '{path}'")
        return _create(session, path, flags, mode, keywords, data_size, operation, admin=admin)
    if not admin:
        access.require(session.db, session.client, replicas[0].data_id,
                       access.MODIFY_OBJECT if write else access.READ_OBJECT)  # fmt: skip
    creates = flags & os.O_CREAT
    if creates and flags & os.O_EXCL:
        raise IrodsError(errors.CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME, f"'{path}' exists")
    elsewhere = _other_resource(replicas, keywords) if creates and operation != PUT else ""
    if elsewhere:
        return _add_replica(session, replicas, elsewhere, flags, mode, keywords, data_size, operation)
    chosen = states.choose(replicas, keywords, write=write)
    keywords.setdefault("resc_hier", chosen.hierarchy)
    keywords["selected_hierarchy"] = chosen.hierarchy
    if creates:
        keywords["destRescName"] = chosen.resc
        keywords["openType"] = str(int(OpenType.WRITE))
    return _open_existing(session, chosen, flags, mode, keywords, data_size, operation, write=write)


def create_object(
    session: Session, path: str, mode: int = 0, keywords: dict[str, str] | None = None, *, data_size: int = -1
) -> int:
    """Makes a data object, open for writing; one that exists is emptied, as the create call of a real server does."""
    return open_object(session, path, os.O_CREAT | os.O_RDWR | os.O_TRUNC, mode, keywords, data_size=data_size)


def _create(
    session: Session, path: str, flags: int, mode: int, keywords: dict[str, str], data_size: int, operation: int,
    *, admin: bool,
) -> int:  # fmt: skip
    parent = collections.require(session.db, paths.parent(path))
    if not admin:
        access.require(session.db, session.client, parent.id, access.MODIFY_OBJECT)
    if "resc_hier" in keywords and "destRescName" not in keywords and not keywords["resc_hier"]:
        del keywords["resc_hier"]
    resource = resources.for_new_replica(session, keywords)
    keywords["resc_hier"] = resource.hierarchy
    keywords["selected_hierarchy"] = resource.hierarchy
    keywords["selObjType"] = "dataObj"
    keywords["openType"] = str(int(OpenType.CREATE))
    replica = catalog.insert(
        session.db,
        session.client,
        path,
        resc=resource.name,
        physical_path=vault.free_path(resource.vault, path),
        mode=str(mode),
        data_type=keywords.get("dataType") or "generic",
    )
    descriptor = Descriptor(
        path, replica, -1, flags, OpenType.CREATE, keywords, create_mode=mode, data_size=data_size, operation=operation
    )
    try:
        points.resource(session, "registered", replica)
        session.policy.static(session, "acPostProcForFilePathReg", (), points.object_info(replica))
        points.resource(session, "create", replica, phase="pre")
        descriptor.handle = vault.create(replica.path)
        points.resource(session, "create", replica)
    except BaseException:
        _undo_create(session, descriptor)
        raise
    number = _enter(session, descriptor)
    points.touch_parent(session, path)
    return number


def _other_resource(replicas: list[Replica], keywords: Mapping[str, str]) -> str:
    """The resource that the client names, if no replica of the object is there; else ''."""
    wish = keywords.get("resc_hier") or keywords.get("destRescName") or keywords.get("rescName") or ""
    return "" if any(replica.is_on(wish) for replica in replicas) else wish


def _add_replica(
    session: Session,
    replicas: list[Replica],
    resource_name: str,
    flags: int,
    mode: int,
    keywords: dict[str, str],
    data_size: int,
    operation: int,
) -> int:
    """An open that makes one more, empty, replica of an object; what is written there makes the others stale."""
    resource = resources.for_new_replica(session, {"resc_hier": resource_name})
    with session.db.transaction():
        found = catalog.by_id(session.db, replicas[0].data_id)
        states.require_at_rest(found)
        path = vault.free_path(resource.vault, found[0].logical_path)
        added = catalog.add_replica(session.db, found[0], resc=resource.name, physical_path=path, size=0)
        added = states.lock(session.db, added)
    keywords.update(
        resc_hier=resource.hierarchy,
        selected_hierarchy=resource.hierarchy,
        selObjType="dataObj",
        openType=str(int(OpenType.CREATE)),
    )
    descriptor = Descriptor(
        added.logical_path, added, -1, flags, OpenType.CREATE, keywords, create_mode=mode, data_size=data_size,
        operation=operation, adds_replica=True,
    )  # fmt: skip
    try:
        points.resource(session, "registered", added)
        session.policy.static(session, "acPostProcForFilePathReg", (), points.object_info(added))
        points.resource(session, "create", added, phase="pre")
        descriptor.handle = vault.create(added.path)
        points.resource(session, "create", added)
    except BaseException:
        states.unlock(session.db, added, None, None)
        _undo_create(session, descriptor)
        raise
    return _enter(session, descriptor)


def _undo_create(session: Session, descriptor: Descriptor) -> None:
    catalog.delete(session.db, descriptor.replica)
    if descriptor.handle >= 0:
        os.close(descriptor.handle)
        vault.remove(descriptor.replica.path, descriptor.replica.vault)


def _open_existing(
    session: Session, chosen: Replica, flags: int, mode: int, keywords: dict[str, str], data_size: int,
    operation: int, *, write: bool,
) -> int:  # fmt: skip
    token = keywords.get("replicaToken", "")
    before = chosen
    if write:
        with session.db.transaction():
            before = catalog.replica(session.db, chosen.data_id, chosen.repl_num)
            states.require_open(session, before, token)
            first = before.status != ReplicaStatus.INTERMEDIATE
            replica = states.lock(session.db, before) if first else before
    else:
        states.require_open(session, before, token)
        first = False
        replica = before
    try:
        info = points.object_info(replica, writeFlag=int(write))
        session.policy.static(session, "acPreprocForDataObjOpen", (), info)
        with vault.system_errors(errors.UNIX_FILE_OPEN_ERR):
            handle = os.open(replica.path, flags & _KEPT_FLAGS | os.O_CLOEXEC)
    except BaseException:
        if first:
            states.unlock(session.db, replica, None, None)
        raise
    if write and flags & os.O_TRUNC:
        replica = catalog.update(session.db, replica, size=0, checksum="")
    elif not write:
        _note_access(session, replica)
    descriptor = Descriptor(
        replica.logical_path, replica, handle, flags, OpenType.WRITE if write else OpenType.READ, keywords,
        create_mode=mode, data_size=data_size, operation=operation, seen_keywords=dict(keywords),
        size_before=before.size,
    )  # fmt: skip
    return _enter(session, descriptor, token if write and not first else "")


def _enter(session: Session, descriptor: Descriptor, token: str = "") -> int:
    number = session.descriptors.add(descriptor)
    if descriptor.writable:
        replica, root = descriptor.replica, session.config.root
        descriptor.token = token or tokens.create(root, replica.data_id, replica.repl_num)
        tokens.hold(root, replica.data_id, replica.repl_num, descriptor.token, number)
    return number


def _note_access(session: Session, replica: Replica) -> None:
    """Renews an access time that is older than the last change or than a day, as iRODS does by default."""
    stale = replica.accessed < replica.modified or time.time() - int(replica.accessed or 0) >= _ACCESS_TIME_RESOLUTION
    if stale:
        catalog.update(session.db, replica, accessed=now())


def close(session: Session, number: int, keywords: Mapping[str, str] | None = None) -> None:
    """Closes a descriptor. A replica that was written gets its size from the vault path and becomes good."""
    descriptor = _let_go(session, number)
    if not descriptor.writable:
        info = points.object_info(descriptor.replica, condInput=descriptor.seen_keywords)
        points.static_after(session, "acPostProcForOpen", info)
        return
    replica, changed = _finish(session, descriptor)
    if changed:
        points.resource(session, "modified", replica, size=replica.size, open_type=int(descriptor.open_type))
    announce(session, descriptor, seen(descriptor, replica, changed=changed), changed=changed)


def seen(descriptor: Descriptor, replica: Replica, *, changed: bool = True) -> dict[str, Any]:
    """The DataObjInfo of the points after a write."""
    info = points.object_info(replica)
    if changed:
        info["dataModify"] = points.TIME_IS_NOW
    if descriptor.open_type is OpenType.WRITE:
        info.update(condInput=descriptor.seen_keywords, writeFlag=1)
    return info


def announce(session: Session, descriptor: Descriptor, info: dict[str, Any], *, changed: bool = True) -> None:
    """The static points at the end of a write."""
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
    preserve_replica_state_table: bool = False,
) -> None:
    """The close of API 20004: says what it wants, and passes no static points."""
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
        tokens.release(session.config.root, replica.data_id, replica.repl_num, descriptor.token, number)
    with vault.system_errors(errors.UNIX_FILE_CLOSE_ERR):
        os.close(descriptor.handle)
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
        changed = created or descriptor.written or size != descriptor.size_before
        if not changed:
            return states.unlock(db, replica, None, None), False
        checksum = _checksum(descriptor, replica.path)
    except BaseException:
        states.unlock(db, replica, ReplicaStatus.STALE, None, modified=now())
        raise
    siblings = None if created and not descriptor.adds_replica else ReplicaStatus.STALE
    done = states.unlock(db, replica, ReplicaStatus.GOOD, siblings, size=size, modified=now(), checksum=checksum)
    return done, True


def _checksum(descriptor: Descriptor, path: str) -> str:
    """The checksum that the client asked for at open, or ''; USER_CHKSUM_MISMATCH if it sent another."""
    keywords = descriptor.keywords
    if "regChksum" not in keywords and "verifyChksum" not in keywords:
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
    """Closes a descriptor whose transfer failed: what was being written is stale."""
    descriptor = _let_go(session, number)
    if not descriptor.writable or _is_shared(session, descriptor):
        return
    replica = catalog.replica(session.db, descriptor.replica.data_id, descriptor.replica.repl_num)
    if replica.status == ReplicaStatus.INTERMEDIATE:
        states.unlock(session.db, replica, ReplicaStatus.STALE, None,
                      size=vault.size_of(replica.path), modified=now())  # fmt: skip


def abandon_all(session: Session) -> None:
    """As `abandon`, for all that a client left open."""
    for number in session.descriptors.numbers():
        abandon(session, number)


def _is_shared(session: Session, descriptor: Descriptor) -> bool:
    replica = descriptor.replica
    return tokens.is_valid(session.config.root, replica.data_id, replica.repl_num, descriptor.token)
