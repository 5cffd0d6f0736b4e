"""API calls on data objects: open, read, write, put, get, stat, copy, rename, unlink, checksum, touch."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any, TypeVar

from irods_zone import errors
from irods_zone.api import buffers
from irods_zone.api.registry import NO_REPLY, Call, FailureWithOutputError, Record, Reply, Result, serve
from irods_zone.errors import IrodsError
from irods_zone.operations import (
    checksums,
    closing,
    copies,
    opening,
    removal,
    renaming,
    stats,
    syncing,
    touching,
    transfer,
    truncation,
)
from irods_zone.operations.failures import DetailedError
from irods_zone.session import Session

KEYWORDS = "KeyValPair_PI"
Value = TypeVar("Value")
SINGLE_BUFFER_LIMIT = 32 * 1024 * 1024  # larger objects are streamed over the connection
READ_LIMIT = 64 * 1024 * 1024  # a read never asks for more memory than this


def _keywords(record: Record) -> dict[str, str]:
    """The record's own dict of keywords: policy points see what operations add to it."""
    keywords: dict[str, str] = record[KEYWORDS]
    return keywords


def _open(session: Session, record: Record, flags: int | None = None) -> int:
    return opening.open_object(
        session,
        record["objPath"],
        record["openFlags"] if flags is None else flags,
        record["createMode"],
        _keywords(record),
        data_size=record["dataSize"],
    )


def _portal(descriptor: int = 0, checksum: str = "") -> Record:
    ports = {"portNum": 0, "cookie": 0, "sock": 0, "windowSize": 0, "hostAddr": ""}
    return {"status": 0, "l1descInx": descriptor, "numThreads": 0, "chksum": checksum, "PortList_PI": ports}


@serve(601, "data_obj_create", "DataObjInp_PI")
def _create(session: Session, call: Call) -> Result:
    record = call.record
    return opening.create_object(session, record["objPath"], record["createMode"], _keywords(record),
                                 data_size=record["dataSize"])  # fmt: skip


@serve(602, "data_obj_open", "DataObjInp_PI")
def _open_object(session: Session, call: Call) -> Result:
    return _open(session, call.record)


@serve(669, "data_obj_open_and_stat", "DataObjInp_PI", "OpenStat_PI")
def _open_and_stat(session: Session, call: Call) -> Result:
    descriptor = _open(session, call.record)
    return Reply(descriptor, transfer.open_stat(session, descriptor))


@serve(672, "data_obj_create_and_stat", "DataObjInp_PI", "OpenStat_PI")
def _create_and_stat(session: Session, call: Call) -> Result:
    record = call.record
    descriptor = opening.create_object(session, record["objPath"], record["createMode"], _keywords(record))
    return Reply(descriptor, transfer.open_stat(session, descriptor))


@serve(20003, "replica_open", "DataObjInp_PI", "BinBytesBuf_PI")
def _replica_open(session: Session, call: Call) -> Result:
    descriptor = _open(session, call.record)
    return Reply(descriptor, buffers.from_json(transfer.descriptor_info(session, descriptor)))


@serve(20000, "get_file_descriptor_info", "BinBytesBuf_PI", "BinBytesBuf_PI")
def _descriptor_info(session: Session, call: Call) -> Result:
    request = buffers.to_json(call.record)
    return Reply(0, buffers.from_json(transfer.descriptor_info(session, buffers.integer(request, "fd"))))


@serve(20004, "replica_close", "BinBytesBuf_PI")
def _replica_close(session: Session, call: Call) -> Result:
    request = buffers.to_json(call.record)
    closing.close_replica(
        session,
        buffers.integer(request, "fd"),
        update_size=bool(request.get("update_size", True)),
        update_status=bool(request.get("update_status", True)),
        compute_checksum=bool(request.get("compute_checksum", False)),
        send_notification=bool(request.get("send_notification", True)),
    )
    return None


@serve(673, "data_obj_close", "OpenedDataObjInp_PI")
def _close(session: Session, call: Call) -> Result:
    closing.close(session, call.record["l1descInx"], _keywords(call.record))
    return None


@serve(674, "data_obj_lseek", "OpenedDataObjInp_PI", "fileLseekOut_PI")
def _seek(session: Session, call: Call) -> Result:
    record = call.record
    return Reply(0, {"offset": transfer.seek(session, record["l1descInx"], record["offset"], record["whence"])})


@serve(675, "data_obj_read", "OpenedDataObjInp_PI", arguments="input output_data")
def _read(session: Session, call: Call) -> Result:
    record = call.record
    data = transfer.read(session, record["l1descInx"], min(record["len"], READ_LIMIT))
    if data:
        record["len"] = len(data)
    return Reply(len(data), None, data)


@serve(676, "data_obj_write", "OpenedDataObjInp_PI", arguments="input data")
def _write(session: Session, call: Call) -> Result:
    return transfer.write(session, call.record["l1descInx"], call.pieces)


@serve(606, "data_obj_put", "DataObjInp_PI", "PortalOprOut_PI", arguments="input data output")
def _put(session: Session, call: Call) -> Result:
    record = call.record
    keywords = _keywords(record)
    if "dataIncluded" in keywords:
        transfer.put(session, record, call.pieces)
        return None
    descriptor = transfer.open_for_put(session, record)
    call.branch(Reply(0, _portal(descriptor)))
    return NO_REPLY


@serve(608, "data_obj_get", "DataObjInp_PI", "PortalOprOut_PI", arguments="input output output_data")
def _get(session: Session, call: Call) -> Result:
    record = call.record
    keywords = _keywords(record)
    descriptor = transfer.open_for_get(session, record)
    size = transfer.size_of(session, descriptor)
    try:
        checksum = checksums.of_descriptor(session, descriptor) if "verifyChksum" in keywords else ""
    except IrodsError:
        closing.close(session, descriptor)
        raise
    if size > SINGLE_BUFFER_LIMIT:
        # To a client status 0 means that this reply holds everything.
        call.branch(Reply(descriptor, _portal(descriptor, checksum)))
        return NO_REPLY
    try:
        data = transfer.read(session, descriptor, size)
    finally:
        closing.close(session, descriptor)
    return Reply(len(data), _portal(0, checksum), data)


@serve(626, "opr_complete", "INT_PI")
def _operation_complete(session: Session, call: Call) -> Result:
    descriptor = call.record["myInt"]
    if descriptor < 0:  # the client gave up
        return None
    closing.close(session, descriptor)
    return None


@serve(615, "data_obj_unlink", "DataObjInp_PI")
def _unlink(session: Session, call: Call) -> Result:
    record = call.record
    try:
        removal.unlink(session, record["objPath"], _keywords(record), operation=record["oprType"])
    finally:
        record["openFlags"] = os.O_WRONLY
    return None


@serve(627, "data_obj_rename", "DataObjCopyInp_PI")
def _rename(session: Session, call: Call) -> Result:
    source, target = call.record["DataObjInp_PI"], call.record["DataObjInp_PI_2"]
    force = "forceFlag" in _keywords(source) or "forceFlag" in _keywords(target)
    try:
        renaming.rename(session, source["objPath"], target["objPath"], operation=source["oprType"], force=force,
                        admin="irodsAdmin" in _keywords(source) or "irodsAdmin" in _keywords(target))  # fmt: skip
    finally:
        _keywords(source).clear()
        _keywords(target).clear()
    return None


@serve(696, "data_obj_copy", "DataObjCopyInp_PI", "TransferStat_PI")
def _copy(session: Session, call: Call) -> Result:
    moved = copies.copy_records(session, call.record["DataObjInp_PI"], call.record["DataObjInp_PI_2"])
    return Reply(0, {"numThreads": 0, "flags": 0, "bytesWritten": moved})


@serve(629, "data_obj_chksum", "DataObjInp_PI", "STR_PI")
def _checksum(session: Session, call: Call) -> Result:
    found = _or_json(checksums.checksum, session, call.record["objPath"], _keywords(call.record))
    return Reply(0, {"myStr": found} if found else None)


def _or_json(operation: Callable[..., Value], session: Session, *args: Any) -> Value:
    """Runs an operation whose refusals carry details; sends these as JSON in a string."""
    try:
        return operation(session, *args)
    except DetailedError as error:
        text = json.dumps(error.details, separators=(",", ":"), sort_keys=True)
        raise FailureWithOutputError(error.code, {"myStr": text}, error.message) from error


@serve(633, "obj_stat", "DataObjInp_PI", "RodsObjStat_PI")
def _stat(session: Session, call: Call) -> Result:
    found = stats.stat(session, call.record["objPath"], _keywords(call.record))
    record: dict[str, Any] = {
        "objSize": found.size,
        "objType": int(found.type),
        "dataMode": found.mode,
        "dataId": str(found.id),
        "chksum": found.checksum,
        "ownerName": found.owner_name,
        "ownerZone": found.owner_zone,
        "createTime": found.create_time,
        "modifyTime": found.modify_time,
        "SpecColl_PI": None,
    }
    return Reply(int(found.type), record)


@serve(20007, "touch", "BinBytesBuf_PI")
def _touch(session: Session, call: Call) -> Result:
    touching.touch(session, buffers.to_json(call.record))
    return None


@serve(802, "replica_truncate", "DataObjInp_PI", "STR_PI")
def _replica_truncate(session: Session, call: Call) -> Result:
    record = call.record
    result = _or_json(truncation.truncate, session, record["objPath"], record["dataSize"], _keywords(record))
    return Reply(0, {"myStr": json.dumps(result, separators=(",", ":"), sort_keys=True)})


@serve(652, "data_obj_truncate", "DataObjInp_PI")
def _truncate(session: Session, call: Call) -> Result:
    session.error_stack.append((0, "rxDataObjTruncate has been deprecated. Use rx_replica_truncate instead."))
    try:
        truncation.truncate(session, call.record["objPath"], call.record["dataSize"], _keywords(call.record))
    except IrodsError as error:
        missing = error.code == errors.OBJ_PATH_DOES_NOT_EXIST
        raise IrodsError(errors.CAT_NO_ROWS_FOUND if missing else error.code, error.message) from error
    return None


@serve(628, "data_obj_rsync", "DataObjInp_PI")
def _rsync(session: Session, call: Call) -> Result:
    return syncing.sync(session, call.record["objPath"], _keywords(call.record))
