"""Opens, makes and removes files in vaults, on the server that has the vault, with the policy points of its resource.

What another server opens stays open there until it is closed here. Bytes are read and written directly: the servers of
a zone run on one machine.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from typing import Any

from irods_zone import errors
from irods_zone.catalog.objects import Replica
from irods_zone.errors import IrodsError
from irods_zone.operations import points, servers, vault
from irods_zone.operations.points import StoredFile
from irods_zone.session import Session

CREATE, OPEN, CLOSE, UNLINK = 500, 501, 503, 506


def open_(session: Session, replica: Replica, flags: int, mode: int = 0) -> int:
    """Opens the file of a replica; `flags` are those of open(2). Close the handle with `close`.

    A refusal by the first point keeps the file closed; one by the second point closes it.
    """
    host = servers.other(session.config, replica.host)
    if host is None:
        return open_here(session, replica, flags, mode)
    return _open_there(session, host, OPEN, replica, flags, mode)


def open_here(session: Session, file: StoredFile, flags: int, mode: int) -> int:
    """As `open_`, in a vault of this server."""
    context = {"flags_kw": str(flags), "mode_kw": str(mode), "l1_desc_idx": "-1"}
    points.resource(session, "open", file, phase="pre", more={**context, "file_descriptor": "0"})
    handle = _open(file.path, flags)
    try:
        points.resource(session, "open", file, more={**context, "file_descriptor": str(handle)})
    except BaseException:
        os.close(handle)
        raise
    return handle


def create(session: Session, replica: Replica) -> int:
    """Makes the file of a replica, open for reading and writing. A refusal by the second point removes it."""
    host = servers.other(session.config, replica.host)
    if host is None:
        return create_here(session, replica)
    return _open_there(session, host, CREATE, replica, os.O_RDWR, 0)


def create_here(session: Session, file: StoredFile) -> int:
    """As `create`, in a vault of this server."""
    points.resource(session, "create", file, phase="pre")
    handle = vault.create(file.path)
    try:
        points.resource(session, "create", file)
    except BaseException:
        os.close(handle)
        vault.remove(file.path, file.vault)
        raise
    return handle


def remove(session: Session, replica: Replica) -> None:
    """Removes the file of a replica; a missing one is no error."""
    host = servers.other(session.config, replica.host)
    if host is None:
        remove_here(session, replica)
        return
    record = {"fileName": replica.path, "rescHier": replica.hierarchy, "objPath": replica.logical_path}
    servers.call(session, host, UNLINK, "fileUnlinkInp_PI", record)


def remove_here(session: Session, file: StoredFile) -> None:
    """As `remove`, in a vault of this server."""
    points.resource(session, "unlink", file, phase="pre")
    vault.remove(file.path, file.vault)
    points.resource(session, "unlink", file)


def close(session: Session, handle: int) -> None:
    """Closes what `open_` or `create` have opened, on the other server too, if that still runs."""
    with vault.system_errors(errors.UNIX_FILE_CLOSE_ERR):
        os.close(handle)
    host, connection, number = session.far_files.pop(handle, ("", None, 0))
    if connection is not None and session.connections.get(host) is connection and connection.is_open:
        with contextlib.suppress(IrodsError):
            servers.call(session, host, CLOSE, "fileCloseInp_PI", {"fileInx": number})


def close_here(session: Session, handle: int) -> None:
    """Closes what was opened for another server; SYS_FILE_DESC_OUT_OF_RANGE if it was not."""
    if handle not in session.lent_files:
        raise IrodsError(errors.SYS_FILE_DESC_OUT_OF_RANGE)
    session.lent_files.remove(handle)
    with vault.system_errors(errors.UNIX_FILE_CLOSE_ERR):
        os.close(handle)


def require_servers(session: Session, replicas: Iterable[Replica]) -> None:
    """USER_SOCK_CONNECT_ERR unless the servers run that have the files of the replicas."""
    hosts = {servers.other(session.config, host) for host in {replica.host for replica in replicas}}
    for host in filter(None, hosts):
        servers.connect(session, host)


def _open_there(session: Session, host: str, number: int, replica: Replica, flags: int, mode: int) -> int:
    record: dict[str, Any] = {
        "resc_name_": replica.resc,
        "resc_hier_": replica.hierarchy,
        "objPath": replica.logical_path,
        "fileName": replica.path,
        "flags": flags,
        "mode": mode,
    }
    there = servers.call(session, host, number, "fileOpenInp_PI", record).status
    connection = session.connections[host]
    try:
        handle = _open(replica.path, flags)
    except BaseException:
        servers.call(session, host, CLOSE, "fileCloseInp_PI", {"fileInx": there})
        raise
    session.far_files[handle] = (host, connection, there)
    return handle


def _open(path: str, flags: int) -> int:
    with vault.system_errors(errors.UNIX_FILE_OPEN_ERR):
        return os.open(path, flags | os.O_CLOEXEC)
