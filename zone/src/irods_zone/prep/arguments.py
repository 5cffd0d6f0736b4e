"""Turns the records of the protocol into the arguments of rules: some structures become objects, others dicts.

Runs no rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from irods_zone.prep import types
from irods_zone.prep.values import BytesBuf, Record, Struct

_SIMPLE = {"STR_PI": "myStr", "INT_PI": "myInt", "DOUBLE_PI": "myDouble"}

# Packing structures (without _PI) that reach rules as objects; all others reach them as a dict of strings.
OBJECTS: Mapping[str, type[Struct]] = {
    "CollInpNew": types.CollInp,
    "CollInp": types.CollInp,
    "CollOprStat": types.CollOprStat,
    "DataObjInp": types.DataObjInp,
    "OpenedDataObjInp": types.OpenedDataObjInp,
    "DataObjCopyInp": types.DataObjCopyInp,
    "FileLseekOut": types.FileLseekOut,
    "fileLseekOut": types.FileLseekOut,
    "TransferStat": types.TransferStat,
    "PortalOprOut": types.PortalOprOut,
    "GenQueryInp": types.GenQueryInp,
    "GenQueryOut": types.GenQueryOut,
    "BulkOprInp": types.BulkOprInp,
    "modAccessControlInp": types.ModAccessControlInp,
    "RodsObjStat": types.RodsObjStat,
    "MsParamArray": types.MsParamArray,
}


def object_for(structure: str, value: Any) -> Any:
    """The argument of a rule for a value of a packing structure: (name, decoded record) or a byte buffer."""
    name = structure[:-3] if structure.endswith("_PI") else structure
    if name in ("BytesBuf", "BinBytesBuf"):
        return BytesBuf(value.get("buf") or b"" if isinstance(value, Mapping) else value)
    if name == "STR":
        # The pointer to a C string reaches rules as its first character (seen in data_obj_chksum_post).
        text = value.get("myStr") if isinstance(value, Mapping) else value
        return text[:1] if text else text
    if name in OBJECTS and isinstance(value, Mapping):
        return OBJECTS[name]._from_record(value)
    if isinstance(value, Mapping):
        return _rule_request(value) if name == "ExecMyRuleInp" else _strings(value)
    return value


def _rule_request(record: Record) -> dict[str, str]:
    """An ExecMyRuleInp as strings: its address and parameters have special names."""
    address = record.get("RHostAddr_PI") or {}
    flat = {
        "myRule": str(record["myRule"]),
        "outParamDesc": str(record.get("outParamDesc") or ""),
        "addr_hostAddr": str(address.get("hostAddr", "")),
        "addr_zoneName": str(address.get("rodsZone", "")),
        "addr_portNum": str(address.get("port", 0)),
        "addr_dummyInt": str(address.get("dummyInt", 0)),
    }
    flat.update({key: str(value) for key, value in (record.get("KeyValPair_PI") or {}).items()})
    parameters = record.get("MsParamArray_PI")
    if parameters is None:
        return {**flat, "inpParamArray": "nullptr"}
    flat["inpParamArray_len"] = str(len(parameters["MsParam_PI"]))
    flat["inpParamArray_oprType"] = str(parameters.get("oprType", 0))
    for index, parameter in enumerate(parameters["MsParam_PI"]):
        prefix, kind = f"inpParamArray_{index}_", parameter.get("type")
        flat[prefix + "label"] = str(parameter.get("label"))
        flat[prefix + "type"] = str(kind)
        content = parameter.get("inOutStruct")
        simple = _SIMPLE.get(kind or "")
        if isinstance(content, Mapping) and simple in content:
            flat[prefix + "inOutStruct"] = str(content[simple])
        else:
            flat[prefix + "inOutStruct"] = f"unrepresentable_type_{kind}"
            flat[prefix + "null_value"] = "null_value"
    return flat


def _strings(record: Record) -> dict[str, str]:
    """A structure without a Python type, as strings; null pointers are left out and pairs are merged in."""
    flat: dict[str, str] = {}
    for name, value in record.items():
        if value is None:
            continue
        if name == "KeyValPair_PI":
            flat.update({key: str(item) for key, item in value.items()})
        elif isinstance(value, Mapping):
            flat.update(_strings(value))
        elif not isinstance(value, (bytes, list, tuple)):
            flat[name] = str(value)
    return flat
