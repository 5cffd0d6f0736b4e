"""API calls on replicas: replicate, trim, register, physical moves, catalog changes by administrators, bulk put."""

from __future__ import annotations

from irods_zone.api import buffers
from irods_zone.api.registry import Call, Reply, Result, serve
from irods_zone.operations import bulk, registration, replicas
from irods_zone.session import Session

KEYWORDS = "KeyValPair_PI"


@serve(695, "data_obj_repl", "DataObjInp_PI", "TransferStat_PI")
def _replicate(session: Session, call: Call) -> Result:
    moved = replicas.replicate(session, call.record["objPath"], call.record[KEYWORDS])
    return Reply(0, {"numThreads": 0, "flags": 0, "bytesWritten": moved})


@serve(697, "data_obj_phymv", "DataObjInp_PI", "TransferStat_PI")
def _move(session: Session, call: Call) -> Result:
    moved = replicas.move(session, call.record["objPath"], call.record[KEYWORDS])
    return Reply(0, {"numThreads": 0, "flags": 0, "bytesWritten": moved})


@serve(632, "data_obj_trim", "DataObjInp_PI")
def _trim(session: Session, call: Call) -> Result:
    return replicas.trim(session, call.record["objPath"], call.record[KEYWORDS], operation=call.record["oprType"])


@serve(630, "phy_path_reg", "DataObjInp_PI")
def _register(session: Session, call: Call) -> Result:
    registration.register(session, call.record["objPath"], call.record[KEYWORDS])
    return None


@serve(622, "mod_data_obj_meta", "ModDataObjMeta_PI")
def _modify_catalog_row(session: Session, call: Call) -> Result:
    info = call.record["DataObjInfo_PI"] or {}
    replicas.modify(
        session,
        info.get("objPath") or "",
        call.record[KEYWORDS] or {},
        data_id=info.get("dataId") or 0,
        replica_number=info.get("replNum") or 0,
        hierarchy=info.get("rescHier") or "",
    )
    return None


@serve(20001, "data_object_modify_info", "ModDataObjMeta_PI")
def _modify_info(session: Session, call: Call) -> Result:
    return _modify_catalog_row(session, call)


@serve(689, "bulk_data_obj_put", "BulkOprInp_PI", arguments="input data")
def _bulk_put(session: Session, call: Call) -> Result:
    bulk.put(session, call.record, call.pieces)
    return None


@serve(20008, "register_physical_path", "DataObjInp_PI", "BinBytesBuf_PI")
def _register_physical_path(session: Session, call: Call) -> Result:
    registration.register(session, call.record["objPath"], call.record[KEYWORDS])
    return Reply(0, buffers.from_json({}))
