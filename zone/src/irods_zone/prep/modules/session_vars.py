"""PREP's module session_vars: `get_map(rei)` gives the context of a rule as nested dicts of plain values."""

from __future__ import annotations

from typing import Any

# The member of a structure for each key.
_DATA_OBJECT = {
    "type": "dataType", "checksum": "chksum", "file_path": "filePath", "replica_number": "replNum",
    "replication_status": "replStatus", "write_flag": "writeFlag", "owner": "dataOwnerName",
    "owner_zone": "dataOwnerZone", "expiry": "dataExpiry", "comments": "dataComments", "create_time": "dataCreate",
    "modify_time": "dataModify", "access_time": "dataAccess", "id": "dataId", "collection_id": "collId",
    "status_string": "statusString", "destination_resource_name": "destRescName",
    "backup_resource_name": "backupRescName", "resource_name": "rescName",
}  # fmt: skip
_COLLECTION = {
    "id": "collId", "name": "collName", "parent_collection_name": "collParentName", "owner": "collOwnerName",
    "expiry": "collExpiry", "comments": "collComments", "create_time": "collCreate", "modify_time": "collModify",
    "access_time": "collAccess", "inheritance": "collInheritance",
}  # fmt: skip
_CONNECTION = {
    "client_address": "clientAddr", "connection_count": "connectCnt", "socket": "sock", "option": "option",
    "status": "status", "api_number": "apiInx",
}  # fmt: skip
_AUTHENTICATION = {
    "authentication_scheme": "authScheme", "privilege_level": "authFlag", "flag": "flag", "ppid": "ppid",
    "host": "host", "authentication_string": "authStr",
}  # fmt: skip


def get_map(rei: Any) -> dict[str, Any]:
    """The content of `rei`, with None for what this rule lacks."""
    comm = rei.rsComm
    return {
        "plugin_instance_name": str(rei.pluginInstanceName),
        "status": rei.status,
        "operation_type": None if rei.doinp is None else rei.doinp.oprType,
        "connection": _pick(comm, _CONNECTION),
        "data_object": _data_object(rei),
        "collection": _pick(rei.coi, _COLLECTION),
        "client_user": _user(rei.uoic or (comm and comm.clientUser)),
        "proxy_user": _user(rei.uoip or (comm and comm.proxyUser)),
        "other_user": _user(rei.uoio),
        "key_value_pairs": None if rei.condInputData is None else rei.condInputData.as_dict(),
    }


def _pick(source: Any, members: dict[str, str]) -> dict[str, Any] | None:
    if source is None:
        return None
    values = {key: getattr(source, member) for key, member in members.items()}
    return {key: value if isinstance(value, int) else str(value) for key, value in values.items()}


def _data_object(rei: Any) -> dict[str, Any] | None:
    source = rei.doi if rei.doi is not None else rei.doinp
    if source is None:
        return None
    rest = _pick(rei.doi, _DATA_OBJECT) or dict.fromkeys(_DATA_OBJECT)
    return {"object_path": str(source.objPath), "size": source.dataSize, **rest}


def _user(user: Any) -> dict[str, Any] | None:
    if not user:
        return None
    other = user.userOtherInfo
    return {
        "user_name": str(user.userName),
        "irods_zone": str(user.rodsZone),
        "user_type": str(user.userType),
        "system_uid": user.sysUid,
        "authentication_info": _pick(user.authInfo, _AUTHENTICATION),
        "info": str(other.userInfo),
        "comments": str(other.userComments),
        "create_time": str(other.userCreate),
        "modify_time": str(other.userModify),
    }
