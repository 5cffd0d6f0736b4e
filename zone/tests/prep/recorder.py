"""A rule file that records every hook that runs, in the form of the recording of a real server.

It is loaded as `core` by a zone under test and writes `trace.jsonl` beside itself; it knows nothing of the zone.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

TRACE = Path(__file__).with_name("trace.jsonl")

# The recording has these of the context's keys and of rei.doi's members.
CONTEXT = (
    "file_size", "logical_path", "openType", "physical_path", "resc_hier", "api_index", "client_addr", "option",
    "proxy_user_name", "user_auth_info_auth_flag", "user_rods_zone", "user_user_name",
)  # fmt: skip
REPLICA = (
    "chksum", "collId", "condInput", "dataAccess", "dataAccessTime", "dataComments", "dataCreate", "dataExpiry",
    "dataId", "dataMode", "dataModify", "dataOwnerName", "dataOwnerZone", "dataSize", "dataType", "destRescName",
    "filePath", "objPath", "replNum", "replStatus", "rescHier", "rescId", "rescName", "specColl", "writeFlag",
)  # fmt: skip

RECORDED = re.compile(
    r"(acP(ost|re)[Pp]roc.*|pep_api_(mod_avu_metadata|atomic_apply_metadata_operations|data_obj_\w+|bulk_data_obj_put|"
    r"replica_(open|close)|coll_create|rm_coll|phy_path_reg|struct_file_ext_and_reg|exec_my_rule|touch)_(pre|post)|"
    r"pep_resource_(modified|registered|unregistered|rename|unlink|create)_post|pep_database_\w*avu_metadata_post)$"
)


def plain(value: Any) -> Any:
    kind = type(value).__name__
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if kind == "char_array":
        return str(value)
    if kind == "KeyValPair":
        return {"__type__": kind, **{str(value.key[i]): str(value.value[i]) for i in range(value.len)}}
    if kind == "BytesBuf":
        is_json = value.len and value.get_byte(0) == ord("{")
        head = bytes(value.get_bytes())[:400].decode("latin-1") if is_json else f"<{value.len} bytes>"
        return {"__type__": kind, "len": value.len, "head": head}
    if kind == "PluginContext":
        entries = value.map()
        return {"__type__": kind, "map": {key: entries[key] for key in CONTEXT if key in entries}}
    names = REPLICA if kind == "DataObjInfo" else [name for name in dir(value) if not name.startswith("_")]
    members = {name: getattr(value, name) for name in names}
    return {"__type__": kind, **{name: plain(item) for name, item in members.items() if not callable(item)}}


def recording(name: str) -> Any:
    def rule(rule_args: list[Any], callback: Any, rei: Any) -> int:
        row: dict[str, Any] = {
            "pep": name,
            "rule_args": plain(list(rule_args)),
            "rei": {
                "client_user": str(rei.uoic.userName) if rei.uoic else None,
                "auth_flag": rei.uoic.authInfo.authFlag if rei.uoic else None,
            },
        }
        if rei.doi is not None:
            row["rei"]["doi"] = plain(rei.doi)
        with TRACE.open("a") as file:
            file.write(json.dumps(row) + "\n")
        return 5000000

    return rule


def __getattr__(name: str) -> Any:
    if RECORDED.match(name):
        return recording(name)
    raise AttributeError(name)
