"""Microservices on data objects and open descriptors."""

from __future__ import annotations

import os
from collections.abc import Sequence

from irods_zone.catalog import access, metadata
from irods_zone.catalog.tokens import ACCESS_LEVELS
from irods_zone.errors import (
    CAT_INVALID_ARGUMENT,
    INVALID_OBJECT_TYPE,
    SYS_NOT_SUPPORTED,
    USER_PARAM_TYPE_ERR,
    IrodsError,
)
from irods_zone.operations import (
    checksums,
    closing,
    copies,
    opening,
    registration,
    removal,
    renaming,
    replicas,
    stats,
    transfer,
)
from irods_zone.prep.microservices.keywords import keywords_of, reporting
from irods_zone.prep.microservices.table import Parameter, microservice
from irods_zone.prep.types import BytesBuf, FileLseekOut, RodsObjStat
from irods_zone.session import Session

_WHENCE = {"SEEK_SET": os.SEEK_SET, "SEEK_CUR": os.SEEK_CUR, "SEEK_END": os.SEEK_END, "null": os.SEEK_SET}


@microservice("msiDataObjCreate", 3)
def create(session: Session, args: Sequence[Parameter]) -> None:
    """(path, keywords, out descriptor)."""
    name = "msiDataObjCreate"
    path = args[0].text()
    allowed = ("destRescName", "createMode", "dataType", "forceFlag", "dataSize", "objPath")
    keywords = keywords_of(session, name, args[1], allowed, "destRescName")
    with reporting(session, name, keywords.path or path):
        args[2].set(opening.create_object(session, keywords.path or path, mode=keywords.mode, keywords=keywords.values))


@microservice("msiDataObjOpen", 2)
def open_(session: Session, args: Sequence[Parameter]) -> None:
    """(keywords with objPath, out descriptor)."""
    name = "msiDataObjOpen"
    keywords = keywords_of(session, name, args[0], ("objPath", "rescName", "openFlags", "replNum"), "objPath")
    with reporting(session, name, keywords.path):
        args[1].set(opening.open_object(session, keywords.path, keywords.flags, keywords=keywords.values))


@microservice("msiDataObjClose", 2)
def close(session: Session, args: Sequence[Parameter]) -> None:
    """(descriptor, out status)."""
    with reporting(session, "msiDataObjClose"):
        closing.close(session, args[0].integer())
    args[1].set(0)


@microservice("msiDataObjLseek", 4)
def seek(session: Session, args: Sequence[Parameter]) -> None:
    """(descriptor, offset, whence, out FileLseekOut_t)."""
    with reporting(session, "msiDataObjLseek"):
        whence = args[2].value
        if isinstance(whence, str):
            whence = _WHENCE.get(whence, int(whence) if whence.isdigit() else -1)
        if whence not in (os.SEEK_SET, os.SEEK_CUR, os.SEEK_END):
            raise IrodsError(USER_PARAM_TYPE_ERR)
        args[3].set(FileLseekOut(offset=transfer.seek(session, args[0].integer(), args[1].integer(), whence)))


@microservice("msiDataObjRead", 3)
def read(session: Session, args: Sequence[Parameter]) -> None:
    """(descriptor, length, out BytesBuf; None at the end, because a server copies no empty buffer for a rule)."""
    with reporting(session, "msiDataObjRead"):
        data = transfer.read(session, args[0].integer(), args[1].integer())
    args[2].set(BytesBuf(data) if data else None)


@microservice("msiDataObjWrite", 3)
def write(session: Session, args: Sequence[Parameter]) -> None:
    """(descriptor, text or BytesBuf, out count)."""
    content = args[1].value
    with reporting(session, "msiDataObjWrite"):
        if isinstance(content, BytesBuf):
            data = content.as_bytes()
        else:
            data = args[1].text().encode("utf-8", "surrogateescape")
        args[2].set(transfer.write(session, args[0].integer(), data))


@microservice("msiDataObjUnlink", 2)
def unlink(session: Session, args: Sequence[Parameter]) -> None:
    """(keywords with objPath, out status)."""
    name = "msiDataObjUnlink"
    allowed = ("objPath", "replNum", "forceFlag", "irodsAdminRmTrash", "irodsRmTrash", "unreg")
    keywords = keywords_of(session, name, args[0], allowed, "objPath")
    with reporting(session, name, keywords.path):
        removal.unlink(session, keywords.path, keywords=keywords.values)
    args[1].set(0)


@microservice("msiDataObjRename", 4)
def rename(session: Session, args: Sequence[Parameter]) -> None:
    """(source, target, "0" for an object or "1" for a collection, out status)."""
    with reporting(session, "msiDataObjRename", str(args[0].value)):
        renaming.rename(session, args[0].text(), args[1].text())
    args[3].set(0)


@microservice("msiDataObjCopy", 4)
def copy(session: Session, args: Sequence[Parameter]) -> None:
    """(source, target, keywords, out status)."""
    name = "msiDataObjCopy"
    allowed = (
        "destRescName",
        "forceFlag",
        "numThreads",
        "dataType",
        "createMode",
        "filePath",
        "dataSize",
        "verifyChksum",
    )
    keywords = keywords_of(session, name, args[2], allowed, "destRescName")
    with reporting(session, name, str(args[0].value)):
        copies.copy(session, args[0].text(), args[1].text(), keywords=keywords.values)
    args[3].set(0)


@microservice("msiDataObjRepl", 3)
def replicate(session: Session, args: Sequence[Parameter]) -> None:
    """(path, keywords, out status)."""
    name = "msiDataObjRepl"
    allowed = (
        "destRescName", "backupRescName", "rescName", "updateRepl", "replNum", "all", "irodsAdmin", "verifyChksum",
        "numThreads", "rbudpTransfer", "rbudpSendRate", "rbudpPackSize",
    )  # fmt: skip
    keywords = keywords_of(session, name, args[1], allowed, "destRescName")
    with reporting(session, name, str(args[0].value)):
        replicas.replicate(session, args[0].text(), keywords=keywords.values)
    args[2].set(0)


@microservice("msiDataObjTrim", 6)
def trim(session: Session, args: Sequence[Parameter]) -> None:
    """(path, resource, replica number, copies to keep, "ADMIN_KW" or "null", out number of trimmed)."""
    values = {
        "rescName": args[1].optional_text(),
        "replNum": args[2].optional_text(),
        "copies": args[3].optional_text(),
        "irodsAdmin": args[4].optional_text(),
    }
    with reporting(session, "msiDataObjTrim", str(args[0].value)):
        keywords = {key: value for key, value in values.items() if value}
        args[5].set(replicas.trim(session, args[0].text(), keywords))


@microservice("msiPhyPathReg", 5)
def register(session: Session, args: Sequence[Parameter]) -> None:
    """(path, resource, file of the server, "null" for a file, out status); administrators only."""
    with reporting(session, "msiPhyPathReg", str(args[0].value)):
        if args[3].optional_text():
            raise IrodsError(SYS_NOT_SUPPORTED, "only single files are registered here")
        keywords = {"filePath": args[2].text()}
        if args[1].optional_text():
            keywords["destRescName"] = args[1].text()
        registration.register(session, args[0].text(), keywords)
    args[4].set(0)


@microservice("msiSplitPath", 3)
def split(_session: Session, args: Sequence[Parameter]) -> None:
    """(path, out collection, out name)."""
    collection, _, name = args[0].text().rpartition("/")
    args[1].set(collection or "/")
    args[2].set(name)


@microservice("msiGetObjType", 2)
def kind(session: Session, args: Sequence[Parameter]) -> None:
    """(name of an object, collection, resource or user; out -d, -C, -R or -u)."""
    for letter in ("-d", "-C", "-R", "-u"):
        try:
            metadata.object_id(session.db, session.client, letter, args[0].text(), 0)
        except IrodsError:
            continue
        args[1].set(letter)
        return
    raise IrodsError(INVALID_OBJECT_TYPE)


@microservice("msiCheckAccess", 3)
def check_access(session: Session, args: Sequence[Parameter]) -> None:
    """(path, level such as "read object", out 1 or 0): whether the client has that access."""
    name = args[1].text().replace(" ", "_")
    if name not in ACCESS_LEVELS:
        raise IrodsError(CAT_INVALID_ARGUMENT, f"{args[1].value!r} is no access level")
    required, level = ACCESS_LEVELS[name], 0
    for letter in ("-d", "-C"):
        try:
            found = metadata.object_id(session.db, session.client, letter, args[0].text(), 0)
        except IrodsError:
            continue
        level = max(level, access.level_of(session.db, session.client, found))
    args[2].set(int(level >= required))


@microservice("msiDataObjChksum", 3)
def checksum(session: Session, args: Sequence[Parameter]) -> None:
    """(path, keywords, out checksum as text)."""
    name = "msiDataObjChksum"
    allowed = ("ChksumAll", "verifyChksum", "forceChksum", "replNum", "rescName", "irodsAdmin", "no_compute")
    keywords = keywords_of(session, name, args[1], allowed, "*")
    with reporting(session, name, str(args[0].value)):
        args[2].set(checksums.checksum(session, args[0].text(), keywords=keywords.values))


@microservice("msiObjStat", 2)
def stat(session: Session, args: Sequence[Parameter]) -> None:
    """(path, out RodsObjStat)."""
    with reporting(session, "msiObjStat", str(args[0].value)):
        found = stats.stat(session, args[0].text())
        args[1].set(
            RodsObjStat(
                objSize=found.size,
                objType=int(found.type),
                dataMode=found.mode,
                dataId=str(found.id),
                chksum=found.checksum,
                ownerName=found.owner_name,
                ownerZone=found.owner_zone,
                createTime=found.create_time,
                modifyTime=found.modify_time,
            )
        )
