"""Registers what already exists on the server: a file as a data object or replica, a directory as a collection.

Only administrators may; the files stay where they are.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from irods_zone import errors, paths
from irods_zone.catalog import access, collections
from irods_zone.catalog import objects as catalog
from irods_zone.catalog.objects import ReplicaStatus
from irods_zone.catalog.resources import ResourceRow
from irods_zone.errors import IrodsError
from irods_zone.operations import hashing, points, resources, vault
from irods_zone.operations.creation import make_missing
from irods_zone.session import Session

DIRECTORY = "collection"


def register(session: Session, path: str, keywords: dict[str, str]) -> None:
    """Registers `filePath` under a path (ireg): a directory, with all below it, if the keyword `collection` is given.

    Errors: PATH_REG_NOT_ALLOWED (no administrator), SYS_INVALID_INPUT_PARAM, UNIX_FILE_STAT_ERR …
    """
    path = paths.checked(path)
    if not session.client.is_admin:
        raise IrodsError(errors.PATH_REG_NOT_ALLOWED, "only administrators register files")
    file = keywords.get("filePath", "")
    if not file.startswith("/"):
        raise IrodsError(errors.SYS_INVALID_INPUT_PARAM, "filePath is not absolute")
    resource = resources.for_new_replica(session, keywords)
    keywords["resc_hier"] = resource.hierarchy
    with vault.system_errors(errors.UNIX_FILE_STAT_ERR):
        status = Path(file).stat()
    if not stat.S_ISDIR(status.st_mode):
        _register_file(session, path, file, status, resource, keywords)
    elif DIRECTORY in keywords:
        _register_directory(session, path, Path(file), resource, keywords)
    else:
        raise IrodsError(errors.SYS_INVALID_INPUT_PARAM, f"'{file}' is a directory: say so (ireg -C)")


def _register_directory(
    session: Session, path: str, directory: Path, resource: ResourceRow, keywords: dict[str, str]
) -> None:
    make_missing(session, path)
    with vault.system_errors(errors.UNIX_FILE_STAT_ERR):
        entries = sorted(os.scandir(directory), key=lambda entry: entry.name)
    for entry in entries:
        below = f"{path}/{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            _register_directory(session, below, Path(entry.path), resource, keywords)
        # Links to directories could form a circle; anything but a file or directory has no content to register.
        elif entry.is_file():
            _register_file(session, below, entry.path, entry.stat(), resource, keywords)


def _register_file(
    session: Session, path: str, file: str, status: os.stat_result, resource: ResourceRow, keywords: dict[str, str]
) -> None:
    found = catalog.find(session.db, path)
    if "regRepl" in keywords and found:
        replica = catalog.add_replica(session.db, found[0], resc=resource.name, physical_path=file,
                                      size=status.st_size, status=ReplicaStatus.GOOD)  # fmt: skip
    else:
        parent = collections.require(session.db, paths.parent(path))
        access.require(session.db, session.client, parent.id, access.MODIFY_OBJECT)
        checksum = hashing.of_file(file) if "regChksum" in keywords or "verifyChksum" in keywords else ""
        replica = catalog.insert(
            session.db, session.client, path, resc=resource.name, physical_path=file, size=status.st_size,
            status=ReplicaStatus.GOOD, mode="0", data_type=keywords.get("dataType") or "generic", checksum=checksum,
        )  # fmt: skip
    points.resource(session, "registered", replica, size=replica.size)
    extra = {
        "fileUid": str(status.st_uid),
        "fileGid": str(status.st_gid),
        "fileMode": str(status.st_mode),
        "fileCtime": str(int(status.st_ctime)),
        "fileMtime": str(int(status.st_mtime)),
    }
    session.policy.static("acPostProcForFilePathReg", (), points.object_info(replica, condInput=extra))
