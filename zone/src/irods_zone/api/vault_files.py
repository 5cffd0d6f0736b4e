"""API calls on files in vaults, which the other servers of the zone make."""

from __future__ import annotations

from dataclasses import dataclass

from irods_zone.api.registry import Call, Record, Result, serve
from irods_zone.operations import files, resources
from irods_zone.session import Session


@dataclass(frozen=True)
class _File:
    logical_path: str
    path: str
    resc: str
    hierarchy: str
    vault: str


def _file(session: Session, record: Record, hierarchy: str) -> _File:
    name = hierarchy.rpartition(";")[2]
    return _File(record["objPath"], record["fileName"], name, hierarchy, resources.by_name(session, name).vault)


@serve(files.CREATE, "file_create", "fileOpenInp_PI", servers_only=True)
def _create(session: Session, call: Call) -> Result:
    handle = files.create_here(session, _file(session, call.record, call.record["resc_hier_"]))
    session.lent_files.add(handle)
    return handle


@serve(files.OPEN, "file_open", "fileOpenInp_PI", servers_only=True)
def _open(session: Session, call: Call) -> Result:
    record = call.record
    file = _file(session, record, record["resc_hier_"])
    handle = files.open_here(session, file, record["flags"], record["mode"])
    session.lent_files.add(handle)
    return handle


@serve(files.CLOSE, "file_close", "fileCloseInp_PI", servers_only=True)
def _close(session: Session, call: Call) -> Result:
    files.close_here(session, call.record["fileInx"])
    return None


@serve(files.UNLINK, "file_unlink", "fileUnlinkInp_PI", servers_only=True)
def _unlink(session: Session, call: Call) -> Result:
    files.remove_here(session, _file(session, call.record, call.record["rescHier"]))
    return None
