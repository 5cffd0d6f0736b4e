"""API calls on collections: make, remove, modify."""

from __future__ import annotations

from irods_zone.api.registry import Call, Reply, Result, serve
from irods_zone.operations import collections, creation
from irods_zone.session import Session

KEYWORDS = "KeyValPair_PI"


@serve(681, "coll_create", "CollInpNew_PI")
def _create(session: Session, call: Call) -> Result:
    creation.create(session, call.record["collName"], call.record[KEYWORDS])
    return None


@serve(679, "rm_coll", "CollInpNew_PI", "CollOprStat_PI")
def _remove(session: Session, call: Call) -> Result:
    path, keywords, operation = call.record["collName"], call.record[KEYWORDS], call.record["oprType"]
    files = collections.remove(session, path, keywords, operation=operation)
    if not collections.is_for_good(keywords, operation):
        return Reply(0, {"filesCnt": 1, "totalFileCnt": 1, "bytesWritten": 0, "lastObjPath": path})
    # A real server reports after every ten files, and the rest here.
    return Reply(0, {"filesCnt": files % 10, "totalFileCnt": 0, "bytesWritten": 0, "lastObjPath": ""})


@serve(680, "mod_coll", "CollInpNew_PI")
def _modify(session: Session, call: Call) -> Result:
    collections.modify(session, call.record["collName"], call.record[KEYWORDS])
    return None
