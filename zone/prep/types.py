"""The objects that PREP passes to rules, by the names and attributes rule files know (its module `irods_types`).

Values are plain Python here; what matters is that a rule which forgets str() around a C string, or asks a KeyValPair
for a key it does not have, fails here as it would on a real server. Nothing in this module touches the catalog, the
network or a session: records go in, objects come out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Union

Record = Mapping[str, Any]
Buffer = Union[bytes, bytearray, memoryview]


class CString:
    """A C string: printable with str(), but no str itself (no ==, no +, no methods), as Boost.Python exports it."""

    __slots__ = ("_text",)

    def __init__(self, text: str = "") -> None:
        self._text = text

    def __str__(self) -> str:
        return self._text

    def __len__(self) -> int:
        return len(self._text)

    def __getitem__(self, index: int) -> str:
        return self._text[index]

    def __iter__(self) -> Iterator[str]:
        return iter(self._text)

    def __contains__(self, character: object) -> bool:
        return isinstance(character, str) and len(character) == 1 and character in self._text


CString.__name__ = CString.__qualname__ = "c_string"


class CharArray(CString):
    """A char[N] member of a structure."""


CharArray.__name__ = CharArray.__qualname__ = "char_array"


class KeyValPair:
    """condInput: `len`, `key[i]`, `value[i]`, and subscripts that raise KeyError for a key that is not there."""

    def __init__(self, pairs: Mapping[str, str] | None = None) -> None:
        self._pairs = dict(pairs or {})

    @property
    def len(self) -> int:
        """How many pairs there are."""
        return len(self._pairs)

    @property
    def key(self) -> list[CString]:
        """The keys, in order."""
        return [CString(key) for key in self._pairs]

    @property
    def value(self) -> list[CString]:
        """The values, in the order of the keys."""
        return [CString(value) for value in self._pairs.values()]

    def __getitem__(self, key: str) -> str:
        if key not in self._pairs:
            raise KeyError(f"{key} was not found in the list of keys.")
        return self._pairs[key]

    def as_dict(self) -> dict[str, str]:
        """The pairs; for the zone's own use, PREP has no such method (hence not for rules)."""
        return dict(self._pairs)


class BytesBuf:
    """A byte buffer. Its bytes are integers in a list, as PREP gives them; a text may end in NUL.

    A transfer that is streamed to its file is never held in memory: its buffer knows its length only.
    """

    def __init__(self, data: Buffer | int = b"") -> None:
        self._data: bytes | None = None if isinstance(data, int) else bytes(data)
        self._length = data if isinstance(data, int) else len(data)

    @property
    def len(self) -> int:
        """The number of bytes."""
        return self._length

    @property
    def buf(self) -> list[str] | None:
        """The bytes as characters, or None when there is no buffer."""
        return [chr(byte) for byte in self._data] if self._data else None

    def get_bytes(self) -> list[int]:
        """The bytes as integers; `bytes(buffer.get_bytes())` makes bytes of them."""
        if self._data is None:
            raise RuntimeError("this zone streams large transfers: their bytes cannot be had in a rule")
        return list(self._data)

    def get_byte(self, index: int) -> int:
        """One byte."""
        if self._data is None:
            return self.get_bytes()[index]
        return self._data[index]

    def set_buffer(self, data: Buffer | str, length: int | None = None) -> None:
        """Replace the content."""
        content = data.encode() if isinstance(data, str) else bytes(data)
        self._data = content if length is None else content[:length]
        self._length = len(self._data)

    def clear_buffer(self) -> None:
        """Drop the content."""
        self._data, self._length = b"", 0


class PluginContext:
    """What a dynamic policy point knows of its surroundings; `map()` is a dict of strings."""

    def __init__(self, entries: Mapping[str, str]) -> None:
        self._entries = dict(entries)
        self.rule_results = ""

    def map(self) -> dict[str, str]:
        """The entries of the connection, and for resource operations those of the file object."""
        return dict(self._entries)


class Struct:
    """An iRODS structure: members with their iRODS names, made from a decoded record.

    _MEMBERS gives each member's initial value and thereby its kind: "" is a char array, 0 an integer, a class a nested
    structure, None a pointer. _RECORDED_AS gives the name a nested structure has in records.
    """

    _MEMBERS: ClassVar[Mapping[str, Any]] = {}
    _RECORDED_AS: ClassVar[Mapping[str, str]] = {"condInput": "KeyValPair_PI", "specColl": "SpecColl_PI"}

    def __init__(self, **members: Any) -> None:
        unknown = set(members) - set(self._MEMBERS)
        if unknown:
            raise TypeError(f"{type(self).__name__} has no member {', '.join(sorted(unknown))}")
        for name, default in self._MEMBERS.items():
            given = members.get(name)
            setattr(self, name, _member(default, given))

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @classmethod
    def _from_record(cls, record: Record) -> Any:
        """The structure for a record as zone.protocol.packing decodes it."""
        members = {}
        for name, default in cls._MEMBERS.items():
            key = name if name in record else cls._RECORDED_AS.get(name, name)
            value = record.get(key)
            if isinstance(default, type) and issubclass(default, Struct) and isinstance(value, Mapping):
                value = default._from_record(value)
            members[name] = value
        return cls(**members)


def _member(default: Any, given: Any) -> Any:
    if isinstance(default, type):
        if isinstance(given, default):
            return given
        if given is None:
            return default()
        if issubclass(default, StructArray):
            return default([_ITEMS[default.__name__]._from_record(item) for item in given])
        return default._from_record(given) if issubclass(default, Struct) else KeyValPair(given)
    if isinstance(default, str):
        return CharArray(str(given) if given is not None else default)
    return default if given is None else given


class SpecColl(Struct):
    """A special collection (mounted, linked, structured file)."""

    _MEMBERS: ClassVar = {
        "collClass": 0, "type": 0, "collection": "", "objPath": "", "resource": "", "rescHier": "", "phyPath": "",
        "cacheDir": "", "cacheDirty": 0, "replNum": 0,
    }  # fmt: skip


class CollInp(Struct):
    """Input of the collection calls."""

    _MEMBERS: ClassVar = {"collName": "", "flags": 0, "oprType": 0, "condInput": KeyValPair}


class DataObjInp(Struct):
    """Input of the data object calls."""

    _MEMBERS: ClassVar = {
        "objPath": "", "createMode": 0, "openFlags": 0, "offset": 0, "dataSize": 0, "numThreads": 0, "oprType": 0,
        "specColl": None, "condInput": KeyValPair,
    }  # fmt: skip


class OpenedDataObjInp(Struct):
    """Input of the calls on an open descriptor."""

    _MEMBERS: ClassVar = {
        "l1descInx": 0, "len": 0, "whence": 0, "oprType": 0, "offset": 0, "bytesWritten": 0, "condInput": KeyValPair,
    }  # fmt: skip


class DataObjCopyInp(Struct):
    """Input of copy and rename."""

    _MEMBERS: ClassVar = {"srcDataObjInp": DataObjInp, "destDataObjInp": DataObjInp}
    _RECORDED_AS: ClassVar = {"srcDataObjInp": "DataObjInp_PI", "destDataObjInp": "DataObjInp_PI_2"}


class FileLseekOut(Struct):
    """Where a seek ended."""

    _MEMBERS: ClassVar = {"offset": 0}


FileLseekOut.__name__ = "FileLseekOut_t"


class TransferStat(Struct):
    """What a copy did. PREP exports the flags as `len` and the bytes written as `offset`."""

    _MEMBERS: ClassVar = {"len": 0, "offset": 0}
    _RECORDED_AS: ClassVar = {"len": "flags", "offset": "bytesWritten"}


class CollOprStat(Struct):
    """Progress of an operation on a collection."""

    _MEMBERS: ClassVar = {"filesCnt": 0, "totalFileCnt": 0, "bytesWritten": 0, "lastObjPath": ""}


class PortList(Struct):
    """Where a parallel transfer connects to."""

    _MEMBERS: ClassVar = {"portNum": 0, "cookie": 0, "sock": 0, "windowSize": 0, "hostAddr": ""}


class PortalOprOut(Struct):
    """Reply of put and get."""

    _MEMBERS: ClassVar = {"status": 0, "l1descInx": 0, "numThreads": 0, "chksum": "", "portList": PortList}
    _RECORDED_AS: ClassVar = {"portList": "PortList_PI"}


class SqlResult(Struct):
    """One column of a query's answer."""

    _MEMBERS: ClassVar = {"attriInx": 0, "len": 0, "_values": ()}
    _RECORDED_AS: ClassVar = {"len": "reslen", "_values": "value"}
    _values: Sequence[str]

    def row(self, index: int) -> str:
        """The value in row `index` of this page."""
        return self._values[index]


class StructArray(Sequence[Any]):
    """An array of structures."""

    def __init__(self, items: Sequence[Any] = ()) -> None:
        self._items = list(items)

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: Any) -> Any:
        return self._items[index]


class SqlResultArray(StructArray):
    """The columns of a page."""


SqlResultArray.__name__ = "SqlResult_array"


class MsParamPointerArray(StructArray):
    """The parameters of an MsParamArray."""


MsParamPointerArray.__name__ = "MsParam_pointer_array"


class GenQueryOut(Struct):
    """One page of a query's answer."""

    _MEMBERS: ClassVar = {"rowCnt": 0, "attriCnt": 0, "continueInx": 0, "totalRowCount": 0, "sqlResult": SqlResultArray}
    _RECORDED_AS: ClassVar = {"sqlResult": "SqlResult_PI"}


class InxIvalPair(Struct):
    """Pairs of integers: selected columns and their options."""

    _MEMBERS: ClassVar = {"len": 0, "inx": (), "value": ()}


class InxValPair(Struct):
    """Pairs of a column and a condition on it."""

    _MEMBERS: ClassVar = {"len": 0, "inx": (), "value": ()}


class GenQueryInp(Struct):
    """A query in GenQuery1 form."""

    _MEMBERS: ClassVar = {
        "maxRows": 0, "continueInx": 0, "rowOffset": 0, "options": 0, "condInput": KeyValPair,
        "selectInp": InxIvalPair, "sqlCondInp": InxValPair,
    }  # fmt: skip


class BulkOprInp(Struct):
    """Input of a bulk put."""

    _MEMBERS: ClassVar = {"objPath": "", "attriArray": GenQueryOut, "condInput": KeyValPair}
    _RECORDED_AS: ClassVar = {"attriArray": "GenQueryOut_PI", "condInput": "KeyValPair_PI"}


class ModAccessControlInp(Struct):
    """Input of ichmod."""

    _MEMBERS: ClassVar = {"recursiveFlag": 0, "accessLevel": "", "userName": "", "zone": "", "path": ""}


class RodsObjStat(Struct):
    """What a stat of a path says."""

    _MEMBERS: ClassVar = {
        "objSize": 0, "objType": 0, "dataMode": 0, "dataId": "", "chksum": "", "ownerName": "", "ownerZone": "",
        "createTime": "", "modifyTime": "", "specColl": None, "rescHier": "",
    }  # fmt: skip


class MsParam(Struct):
    """One parameter of a rule or microservice."""

    _MEMBERS: ClassVar = {"label": "", "type": ""}


class MsParamArray(Struct):
    """The parameters of a rule execution."""

    _MEMBERS: ClassVar = {"len": 0, "oprType": 0, "msParam": MsParamPointerArray}
    _RECORDED_AS: ClassVar = {"len": "paramLen", "msParam": "MsParam_PI"}


class DataObjInfo(Struct):
    """One replica, in rei.doi of the static policy points."""

    _MEMBERS: ClassVar = {
        "objPath": "", "rescName": "", "rescHier": "", "dataType": "generic", "dataSize": 0, "chksum": "",
        "version": "", "filePath": "", "dataOwnerName": "", "dataOwnerZone": "", "replNum": 0, "replStatus": 0,
        "statusString": "", "dataId": 0, "collId": 0, "dataMapId": 0, "flags": 0, "dataComments": "", "dataMode": "",
        "dataExpiry": "", "dataCreate": "", "dataModify": "", "dataAccess": "", "dataAccessInx": 0, "writeFlag": 0,
        "destRescName": "", "backupRescName": "", "subPath": "", "specColl": None, "regUid": 0, "otherFlags": 0,
        "condInput": KeyValPair, "in_pdmo": "", "next": None, "rescId": 0, "dataAccessTime": "",
    }  # fmt: skip


class CollInfo(Struct):
    """A collection, in rei.coi."""

    _MEMBERS: ClassVar = {
        "collId": 0, "collName": "", "collParentName": "", "collOwnerName": "", "collOwnerZone": "", "collMapId": 0,
        "collAccessInx": 0, "collComments": "", "collInheritance": "", "collExpiry": "", "collCreate": "",
        "collModify": "", "collAccess": "", "collType": "", "collInfo1": "", "collInfo2": "", "condInput": KeyValPair,
        "next": None,
    }  # fmt: skip


class AuthInfo(Struct):
    """How a user signed in; authFlag 5 is an administrator, 3 an ordinary user."""

    _MEMBERS: ClassVar = {"authScheme": "", "authFlag": 0, "flag": 0, "ppid": 0, "host": "", "authStr": ""}


class UserOtherInfo(Struct):
    """Remarks on a user."""

    _MEMBERS: ClassVar = {"userInfo": "", "userComments": "", "userCreate": "", "userModify": ""}


class UserInfo(Struct):
    """A user, in rei.uoic (the client) and rei.uoip (who signed in)."""

    _MEMBERS: ClassVar = {
        "userName": "", "rodsZone": "", "userType": "", "sysUid": 0, "authInfo": AuthInfo,
        "userOtherInfo": UserOtherInfo,
    }  # fmt: skip


class RsComm(Struct):
    """The connection."""

    _MEMBERS: ClassVar = {
        "irodsProt": 0, "sock": 0, "connectCnt": 0, "clientAddr": "", "proxyUser": UserInfo, "clientUser": UserInfo,
        "option": "", "procLogFlag": 0, "apiInx": 0, "status": 0, "windowSize": 0, "reconnFlag": 0, "reconnSock": 0,
        "reconnPort": 0, "reconnectedSock": 0, "reconnAddr": "", "cookie": 0, "gsiRequest": 0, "auth_scheme": "native",
        "ssl_on": 0, "negotiation_results": "", "key_size": 0, "salt_size": 0, "num_hash_rounds": 0,
        "encryption_algorithm": "",
    }  # fmt: skip


class RuleExecInfo(Struct):
    """`rei`: under which circumstances a rule runs."""

    _MEMBERS: ClassVar = {
        "status": 0, "statusStr": "", "ruleName": "", "rsComm": None, "pluginInstanceName": "", "msParamArray": None,
        "inOutMsParamArray": MsParamArray, "l1descInx": 0, "doinp": None, "doi": None, "rescName": "", "uoic": None,
        "uoip": None, "coi": None, "uoio": None, "condInputData": None, "ruleSet": "", "next": None,
    }  # fmt: skip


_SIMPLE = {"STR_PI": "myStr", "INT_PI": "myInt", "DOUBLE_PI": "myDouble"}
_ITEMS: Mapping[str, type[Struct]] = {"SqlResult_array": SqlResult, "MsParam_pointer_array": MsParam}

# Packing structures (without _PI) that reach rules as objects; all others reach them as a dict of strings.
OBJECTS: Mapping[str, type[Struct]] = {
    "CollInpNew": CollInp,
    "CollInp": CollInp,
    "CollOprStat": CollOprStat,
    "DataObjInp": DataObjInp,
    "OpenedDataObjInp": OpenedDataObjInp,
    "DataObjCopyInp": DataObjCopyInp,
    "FileLseekOut": FileLseekOut,
    "fileLseekOut": FileLseekOut,
    "TransferStat": TransferStat,
    "PortalOprOut": PortalOprOut,
    "GenQueryInp": GenQueryInp,
    "GenQueryOut": GenQueryOut,
    "BulkOprInp": BulkOprInp,
    "modAccessControlInp": ModAccessControlInp,
    "RodsObjStat": RodsObjStat,
    "MsParamArray": MsParamArray,
}


def object_for(structure: str, value: Any) -> Any:
    """What a rule is given for a value of a packing structure: (name, decoded record) or a byte buffer."""
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
    """An ExecMyRuleInp as strings: its address and parameters have names of their own."""
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
