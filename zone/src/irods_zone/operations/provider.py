"""Changes of the catalog that a consumer leaves to the provider: the API calls in which it passes them on.

The provider runs all of its rules for them, as for a client of its own. Its answer and its error stack come back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from irods_zone import processes
from irods_zone.operations import servers
from irods_zone.operations.failures import DetailedError
from irods_zone.operations.servers import AnsweredError
from irods_zone.session import Session


def modify_avu(session: Session, args: Sequence[str | None], keywords: Mapping[str, str]) -> None:
    """One imeta command: arg0 … arg9."""
    record = {f"arg{index}": arg for index, arg in enumerate(args)}
    _call(session, 706, "ModAVUMetadataInp_PI", {**record, "KeyValPair_PI": keywords})


def atomic_avus(session: Session, request: Mapping[str, Any]) -> dict[str, Any]:
    """Many changes of one entity. If a rule of the provider refuses them, this agent crashes, as a real one does."""
    try:
        return _in_json(session, 20002, request)
    except AnsweredError:
        processes.crash()


def atomic_access(session: Session, request: Mapping[str, Any]) -> dict[str, Any]:
    """Many changes of one object's access."""
    return _in_json(session, 20005, request)


def modify_access(session: Session, level: str, user: str, zone: str, path: str, *, recursive: bool) -> None:
    """One change of access."""
    record = {"recursiveFlag": int(recursive), "accessLevel": level, "userName": user, "zone": zone, "path": path}
    _call(session, 707, "modAccessControlInp_PI", record)


def create_collection(session: Session, path: str, keywords: Mapping[str, str]) -> None:
    """Makes a collection."""
    _call(session, 681, "CollInpNew_PI", {"collName": path, "KeyValPair_PI": keywords})


def modify_collection(session: Session, path: str, keywords: Mapping[str, str]) -> None:
    """Changes a collection."""
    _call(session, 680, "CollInpNew_PI", {"collName": path, "KeyValPair_PI": keywords})


def remove_collection(session: Session, path: str, keywords: Mapping[str, str], operation: int) -> int:
    """Removes a collection; returns how many objects were deleted since the provider's last report."""
    record = {"collName": path, "oprType": operation, "KeyValPair_PI": keywords}
    answer = _call(session, 679, "CollInpNew_PI", record, "CollOprStat_PI")
    return int(answer.output["filesCnt"]) if answer.output else 0


def rename(
    session: Session, source: str, target: str, operation: int, *, force: bool = False, admin: bool = False
) -> None:
    """Renames a data object or a collection."""
    keywords = {**({"forceFlag": ""} if force else {}), **({"irodsAdmin": ""} if admin else {})}
    halves = [{"objPath": path, "oprType": operation, "KeyValPair_PI": keywords} for path in (source, target)]
    record = {"DataObjInp_PI": halves[0], "DataObjInp_PI_2": halves[1]}
    _call(session, 627, "DataObjCopyInp_PI", record)


def modify_replica(
    session: Session, path: str, keywords: Mapping[str, str], *, data_id: int, replica_number: int, hierarchy: str
) -> None:
    """A correction of a replica's row."""
    info = {"objPath": path, "dataId": data_id, "replNum": replica_number, "rescHier": hierarchy}
    _call(session, 622, "ModDataObjMeta_PI", {"DataObjInfo_PI": info, "KeyValPair_PI": keywords})


def _call(session: Session, number: int, layout: str, record: Mapping[str, Any], output: str = "") -> servers.Answer:
    return servers.call(session, session.config.provider_host, number, layout, record, output)


def _in_json(session: Session, number: int, request: Mapping[str, Any]) -> dict[str, Any]:
    """A call in JSON. DetailedError for a refusal by the call, AnsweredError for one by a rule before it."""
    data = json.dumps(request, ensure_ascii=False).encode("utf-8", "surrogateescape") + b"\0"
    record = {"buflen": len(data), "buf": data}
    try:
        answer = _call(session, number, "BinBytesBuf_PI", record, "BinBytesBuf_PI")
    except AnsweredError as error:
        if error.output is None:  # refused before the call itself
            raise
        details = _json(error.output)
        raise DetailedError(error.code, details, str(details.get("error_message", ""))) from error
    return _json(answer.output or {})


def _json(record: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(bytes(record.get("buf") or b"{}").rstrip(b"\0"))
    return found
