"""Opens data objects: chooses or makes a replica, sets its state, opens its vault file, and passes the policy points.

The replica is intermediate in the catalog before a vault file is touched, so that a process that dies in between leaves
the same state as on a real server.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass

from irods_zone import errors, paths
from irods_zone.catalog import access
from irods_zone.catalog import objects as catalog
from irods_zone.catalog.database import now
from irods_zone.catalog.objects import Replica, ReplicaStatus
from irods_zone.catalog.resources import ResourceRow
from irods_zone.descriptors import COPY_TARGET, PUT, Descriptor, OpenType
from irods_zone.errors import IrodsError
from irods_zone.operations import files, points, replica_tokens, resources, states, stats, vault
from irods_zone.operations.access import require_parent
from irods_zone.session import Session

ADMIN = "irodsAdmin"
_KEPT_FLAGS = os.O_ACCMODE | os.O_TRUNC | os.O_APPEND
_ACCESS_TIME_RESOLUTION = 86400


def is_admin_call(session: Session, keywords: Mapping[str, str]) -> bool:
    """Whether the call is made in admin mode; CAT_INSUFFICIENT_PRIVILEGE_LEVEL if the user may not."""
    if ADMIN not in keywords:
        return False
    if not session.client.is_admin:
        raise IrodsError(errors.CAT_INSUFFICIENT_PRIVILEGE_LEVEL, "admin mode is for administrators")
    return True


@dataclass(frozen=True)
class OpenRequest:
    """The request of an open. `keywords` is the caller's dict, extended as a real server does it."""

    path: str
    flags: int
    mode: int
    keywords: dict[str, str]
    data_size: int
    operation: int
    admin: bool

    @property
    def writes(self) -> bool:
        """Whether it is opened for writing."""
        return self.flags & os.O_ACCMODE != os.O_RDONLY

    @property
    def creates(self) -> bool:
        """Whether it is made if it does not exist."""
        return bool(self.flags & os.O_CREAT)

    def descriptor(self, replica: Replica, open_type: OpenType, handle: int = -1) -> Descriptor:
        """The descriptor of a replica opened with this request."""
        return Descriptor(
            replica.logical_path,
            replica,
            handle,
            self.flags,
            open_type,
            self.keywords,
            create_mode=self.mode,
            data_size=self.data_size,
            operation=self.operation,
        )


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

    `keywords` is extended as a real server does it. Errors: OBJ_PATH_DOES_NOT_EXIST, CAT_NO_ACCESS_PERMISSION,
    HIERARCHY_ERROR, INTERMEDIATE_REPLICA_ACCESS, LOCKED_DATA_OBJECT_ACCESS, SYS_REPLICA_DOES_NOT_EXIST …
    """
    keywords = {} if keywords is None else keywords
    path = paths.checked(path, relative=errors.SYS_INVALID_FILE_PATH)
    request = OpenRequest(path, flags, mode, keywords, data_size, operation, is_admin_call(session, keywords))
    if flags & os.O_TRUNC and not request.writes:
        raise IrodsError(errors.USER_INCOMPATIBLE_OPEN_FLAGS, "what is opened for reading is not truncated")
    replicas = stats.visible_replicas(session, path)
    if not replicas:
        if not request.creates:
            raise IrodsError(errors.OBJ_PATH_DOES_NOT_EXIST, f"there is no data object '{path}'")
        return _create(session, request)
    if request.writes and not request.admin:
        _require_writable(session, request, replicas[0])
    elif not request.admin:  # administrators see objects without access to them
        access.require(session.db, session.client, replicas[0].data_id, access.READ_OBJECT)
    for key in ("rescName", "destRescName"):
        if keywords.get(key):
            resources.by_name(session, keywords[key].partition(";")[0])
    elsewhere = _other_resource(replicas, keywords) if request.creates else ""
    if elsewhere and operation in (PUT, COPY_TARGET):
        raise IrodsError(errors.HIERARCHY_ERROR, f"'{path}' has no replica on '{elsewhere}'")
    if elsewhere:
        return _add_replica(session, request, replicas, elsewhere)
    chosen = states.choose(replicas, keywords, write=request.writes)
    keywords.setdefault("resc_hier", chosen.hierarchy)
    keywords["selected_hierarchy"] = chosen.hierarchy
    if request.creates:
        keywords["destRescName"] = chosen.resc
        keywords["openType"] = str(int(OpenType.WRITE))
    return _open_existing(session, request, chosen)


def _require_writable(session: Session, request: OpenRequest, replica: Replica) -> None:
    if access.level_of(session.db, session.client, replica.data_id) >= access.MODIFY_OBJECT:
        return
    if not request.creates:
        raise IrodsError(errors.CAT_NO_ACCESS_PERMISSION, f"'{request.path}' may not be written")
    # A real server treats an object that may not be written as missing, and then finds the name taken when it makes it.
    _note_creation(request, resources.for_new_replica(session, request.keywords))
    require_parent(session, request.path)
    raise IrodsError(errors.CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME, f"'{request.path}' exists")


def create_object(
    session: Session, path: str, mode: int = 0, keywords: dict[str, str] | None = None, *, data_size: int = -1
) -> int:
    """Makes a data object, open for writing. An existing one is emptied, as by the create call of a real server."""
    return open_object(session, path, os.O_CREAT | os.O_RDWR | os.O_TRUNC, mode, keywords, data_size=data_size)


def _create(session: Session, request: OpenRequest) -> int:
    resource = resources.for_new_replica(session, request.keywords)
    _note_creation(request, resource)
    require_parent(session, request.path, admin=request.admin)
    replica = catalog.insert(
        session.db,
        session.client,
        request.path,
        resc=resource.name,
        physical_path=vault.free_path(resource.vault, request.path),
        mode=str(request.mode),
        data_type=request.keywords.get("dataType", "generic"),
    )
    descriptor = request.descriptor(replica, OpenType.CREATE)
    _make_file(session, descriptor)
    number = _enter(session, descriptor)
    points.touch_parent(session, request.path)
    return number


def _other_resource(replicas: list[Replica], keywords: Mapping[str, str]) -> str:
    """The resource that the client names, if it has no replica of the object; else ''."""
    resource = keywords.get("resc_hier") or keywords.get("destRescName") or keywords.get("rescName") or ""
    return "" if any(replica.is_on(resource) for replica in replicas) else resource


def _add_replica(session: Session, request: OpenRequest, replicas: list[Replica], resource_name: str) -> int:
    """Opens a new, empty replica of an object; a write to it makes the others stale."""
    resource = resources.for_new_replica(session, {"resc_hier": resource_name})
    with session.db.transaction():
        found = catalog.by_id(session.db, replicas[0].data_id)
        states.require_at_rest(found)
        path = vault.free_path(resource.vault, request.path)
        added = catalog.add_replica(session.db, found[0], resc=resource.name, physical_path=path, size=0)
        added = states.lock(session.db, added)
    _note_creation(request, resource)
    descriptor = request.descriptor(added, OpenType.CREATE)
    descriptor.adds_replica = True
    try:
        _make_file(session, descriptor)
    except BaseException:
        states.unlock_siblings(session.db, added)
        raise
    return _enter(session, descriptor)


def _note_creation(request: OpenRequest, resource: ResourceRow) -> None:
    request.keywords.update(
        resc_hier=resource.hierarchy,
        selected_hierarchy=resource.hierarchy,
        selObjType="dataObj",
        openType=str(int(OpenType.CREATE)),
    )


def _make_file(session: Session, descriptor: Descriptor) -> None:
    """Makes the file of a replica that is already in the catalog; removes its row if that fails."""
    replica = descriptor.replica
    try:
        points.resource(session, "registered", replica)
        session.policy.static("acPostProcForFilePathReg", (), points.object_info(replica))
        descriptor.handle = files.create(session, replica)
    except BaseException:
        catalog.delete(session.db, replica)
        raise


def _open_existing(session: Session, request: OpenRequest, chosen: Replica) -> int:
    token = request.keywords.get("replicaToken", "")
    before, first = chosen, False
    if request.writes:
        with session.db.transaction():
            before = catalog.replica(session.db, chosen.data_id, chosen.repl_num)
            states.require_open(session, before, token)
            first = before.status != ReplicaStatus.INTERMEDIATE
            replica = states.lock(session.db, before) if first else before
    else:
        states.require_open(session, before, token)
        replica = before
    try:
        info = points.object_info(replica, writeFlag=int(request.writes))
        session.policy.static("acPreprocForDataObjOpen", (), info)
        handle = files.open_(session, replica, request.flags & _KEPT_FLAGS, request.mode)
    except BaseException:
        if first:
            states.unlock(session.db, replica, None, None)
        raise
    if request.writes and request.flags & os.O_TRUNC:
        replica = catalog.update(session.db, replica, size=0, checksum="")
    elif not request.writes:
        _note_access(session, replica)
    descriptor = request.descriptor(replica, OpenType.WRITE if request.writes else OpenType.READ, handle)
    descriptor.open_keywords = dict(request.keywords)
    descriptor.size_before = before.size
    return _enter(session, descriptor, token if request.writes and not first else "")


def _enter(session: Session, descriptor: Descriptor, token: str = "") -> int:
    number = session.descriptors.add(descriptor)
    if descriptor.writable:
        replica, root = descriptor.replica, session.config.root
        descriptor.token = token or replica_tokens.create(root, replica.data_id, replica.repl_num)
        replica_tokens.hold(root, replica.data_id, replica.repl_num, descriptor.token, number)
    return number


def _note_access(session: Session, replica: Replica) -> None:
    """Renews an access time older than the last change or than a day, as iRODS does by default."""
    stale = replica.accessed < replica.modified or time.time() - int(replica.accessed or 0) >= _ACCESS_TIME_RESOLUTION
    if stale:
        catalog.update(session.db, replica, accessed=now())
