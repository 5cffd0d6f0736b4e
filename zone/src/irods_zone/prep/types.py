"""The structures that PREP passes to rules, by the names and members that rule files know (its module `irods_types`).

A table gives the names and initial values of each structure's members. Turns records of the protocol into objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from irods_zone.prep.values import BytesBuf, KeyValPair, PluginContext, Struct, StructArray

__all__ = [
    "AuthInfo",
    "BulkOprInp",
    "BytesBuf",
    "CollInfo",
    "CollInp",
    "CollOprStat",
    "DataObjCopyInp",
    "DataObjInfo",
    "DataObjInp",
    "FileLseekOut",
    "FileLseekOut_t",
    "GenQueryInp",
    "GenQueryOut",
    "InxIvalPair",
    "InxValPair",
    "KeyValPair",
    "ModAccessControlInp",
    "MsParam",
    "MsParamArray",
    "MsParamPointerArray",
    "OpenedDataObjInp",
    "PluginContext",
    "PortList",
    "PortalOprOut",
    "RodsObjStat",
    "RsComm",
    "RuleExecInfo",
    "SpecColl",
    "SqlResult",
    "SqlResultArray",
    "TransferStat",
    "UserInfo",
    "UserOtherInfo",
]


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
    """The result of a seek."""

    _MEMBERS: ClassVar = {"offset": 0}


FileLseekOut.__name__ = "FileLseekOut_t"
FileLseekOut_t = FileLseekOut


class TransferStat(Struct):
    """The result of a copy. PREP exports the flags as `len` and the bytes written as `offset`."""

    _MEMBERS: ClassVar = {"len": 0, "offset": 0}
    _RECORDED_AS: ClassVar = {"len": "flags", "offset": "bytesWritten"}


class CollOprStat(Struct):
    """Progress of an operation on a collection."""

    _MEMBERS: ClassVar = {"filesCnt": 0, "totalFileCnt": 0, "bytesWritten": 0, "lastObjPath": ""}


class PortList(Struct):
    """The address for a parallel transfer."""

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


class SqlResultArray(StructArray):
    """The columns of a page."""

    _ITEM = SqlResult


SqlResultArray.__name__ = "SqlResult_array"


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
    """The result of a stat of a path."""

    _MEMBERS: ClassVar = {
        "objSize": 0, "objType": 0, "dataMode": 0, "dataId": "", "chksum": "", "ownerName": "", "ownerZone": "",
        "createTime": "", "modifyTime": "", "specColl": None, "rescHier": "",
    }  # fmt: skip


class MsParam(Struct):
    """One parameter of a rule or microservice."""

    _MEMBERS: ClassVar = {"label": "", "type": ""}


class MsParamPointerArray(StructArray):
    """The parameters of an MsParamArray."""

    _ITEM = MsParam


MsParamPointerArray.__name__ = "MsParam_pointer_array"


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
    """`rei`: the context in which a rule runs."""

    _MEMBERS: ClassVar = {
        "status": 0, "statusStr": "", "ruleName": "", "rsComm": None, "pluginInstanceName": "", "msParamArray": None,
        "inOutMsParamArray": MsParamArray, "l1descInx": 0, "doinp": None, "doi": None, "rescName": "", "uoic": None,
        "uoip": None, "coi": None, "uoio": None, "condInputData": None, "ruleSet": "", "next": None,
    }  # fmt: skip
