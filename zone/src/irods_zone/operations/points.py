"""Policy points of operations: what rules see of a data object, and the points that several operations share.

The order and the contents are those recorded on a 5.0.2 server (tests/data/peps-5.0.2.jsonl).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from irods_zone import paths
from irods_zone.catalog import collections
from irods_zone.catalog.objects import Replica
from irods_zone.errors import IrodsError
from irods_zone.session import Session


class StoredFile(Protocol):
    """A file in a vault, as the points of its resource see it; a replica is one."""

    @property
    def logical_path(self) -> str:
        """The data object's path."""

    @property
    def path(self) -> str:
        """The file's path."""

    @property
    def resc(self) -> str:
        """The resource."""

    @property
    def hierarchy(self) -> str:
        """The names of the resources from the root to this one, joined by semicolons."""

    @property
    def vault(self) -> str:
        """The resource's directory."""


TIME_IS_NOW = "set time to now"  # what the server writes into a modify time that the catalog fills in


def object_info(replica: Replica, **changes: Any) -> dict[str, Any]:
    """The DataObjInfo that rules find in `rei.doi`."""
    info: dict[str, Any] = {
        "chksum": replica.checksum,
        "collId": replica.coll_id,
        "condInput": {},
        "dataAccess": "",
        "dataAccessTime": replica.accessed,
        "dataComments": replica.comment,
        "dataCreate": replica.created,
        "dataExpiry": replica.expiry,
        "dataId": replica.data_id,
        "dataMode": replica.mode,
        "dataModify": replica.modified,
        "dataOwnerName": replica.owner,
        "dataOwnerZone": replica.owner_zone,
        "dataSize": replica.size,
        "dataType": replica.data_type,
        "destRescName": "",
        "filePath": replica.path,
        "objPath": replica.logical_path,
        "replNum": replica.repl_num,
        "replStatus": int(replica.status),
        "rescHier": replica.hierarchy,
        "rescId": replica.resc_id,
        "rescName": replica.resc,
        "specColl": None,
        "writeFlag": 0,
    }
    info.update(changes)
    return info


def empty_object_info(**known: Any) -> dict[str, Any]:
    """A DataObjInfo of which only some fields are filled in."""
    info: dict[str, Any] = dict.fromkeys(
        ("chksum", "dataAccess", "dataAccessTime", "dataComments", "dataCreate", "dataExpiry", "dataMode",
         "dataModify", "dataOwnerName", "dataOwnerZone", "dataType", "destRescName", "filePath", "objPath",
         "rescHier", "rescName"), ""
    )  # fmt: skip
    info.update(dict.fromkeys(("collId", "dataId", "dataSize", "replNum", "replStatus", "rescId", "writeFlag"), 0))
    info.update(condInput={}, specColl=None)
    info.update(known)
    return info


def static_after(
    session: Session, name: str, info: Mapping[str, Any] | None = None, args: tuple[str, ...] = ()
) -> None:
    """Passes a static point whose result a real server ignores: logs a failure, and the operation succeeds."""
    try:
        session.policy.static(name, args, info)
    except IrodsError as error:
        session.log.error("%s failed: %s", name, error)


def resource(
    session: Session,
    name: str,
    file: StoredFile,
    *args: Any,
    size: int = 0,
    phase: str = "post",
    open_type: int = 0,
    more: Mapping[str, str] | None = None,
) -> None:
    """Passes a point of a file's resource."""
    context = {
        "file_size": str(size),
        "logical_path": file.logical_path,
        "physical_path": file.path,
        "resc_hier": file.hierarchy,
    }
    if open_type:
        context["openType"] = str(open_type)
    context.update(more or {})
    session.policy.resource(name, phase, file.resc, context, *args)


def touch_collection(session: Session, path: str) -> None:
    """Sets a collection's modify time to now, for any user, as the server does after changes in it."""
    found = collections.find(session.db, path)
    if found is None:
        return
    session.policy.static("acPreProcForModifyCollMeta")
    collections.update(session.db, found)
    session.policy.static("acPostProcForModifyCollMeta")


def touch_parent(session: Session, path: str) -> None:
    """Sets the modify time of the collection that a path is in."""
    touch_collection(session, paths.parent(path))
