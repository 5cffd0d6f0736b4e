"""API calls on AVUs and access lists."""

from __future__ import annotations

from irods_zone.api import buffers
from irods_zone.api.registry import Call, FailureWithOutputError, Reply, Result, serve
from irods_zone.errors import IrodsError
from irods_zone.operations import access, metadata
from irods_zone.operations.failures import DetailedError
from irods_zone.session import Session


@serve(706, "mod_avu_metadata", "ModAVUMetadataInp_PI")
def _modify_avu(session: Session, call: Call) -> Result:
    raw = [call.record[f"arg{index}"] for index in range(10)]
    metadata.modify(session, raw, call.record["KeyValPair_PI"])
    return None


@serve(20002, "atomic_apply_metadata_operations", "BinBytesBuf_PI", "BinBytesBuf_PI")
def _atomic_avus(session: Session, call: Call) -> Result:
    return _atomic(metadata.atomic, session, call)


@serve(20005, "atomic_apply_acl_operations", "BinBytesBuf_PI", "BinBytesBuf_PI")
def _atomic_access(session: Session, call: Call) -> Result:
    return _atomic(access.atomic, session, call)


def _atomic(operation: metadata.AtomicOperation, session: Session, call: Call) -> Reply:
    try:
        return Reply(0, buffers.from_json(operation(session, buffers.to_json(call.record))))
    except DetailedError as error:
        raise FailureWithOutputError(error.code, buffers.from_json(error.details), error.message) from error
    except IrodsError as error:
        raise FailureWithOutputError(error.code, buffers.from_json({}), error.message) from error


@serve(707, "mod_access_control", "modAccessControlInp_PI")
def _modify_access(session: Session, call: Call) -> Result:
    record = call.record
    access.modify(
        session,
        record["accessLevel"] or "",
        record["userName"] or "",
        record["zone"] or "",
        record["path"] or "",
        recursive=bool(record["recursiveFlag"]),
    )
    return None
