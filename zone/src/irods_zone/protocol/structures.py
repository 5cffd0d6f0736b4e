"""The layouts of iRODS's messages, as one table. Data only: nothing here packs, decides or looks at a message.

Each entry is a structure's name and its fields in the order in which they travel. The notation, one field a word:

    name:int          whole numbers of 4 bytes; also int16, and int64 (which iRODS calls "double")
    name:str          text that ends at a NUL byte; str<64> is text of fewer than 64 bytes
    name:*str         a pointer to one: may be absent (None)
    name:*str[n]      n pointers, n being a number or the name of an int field that went before
    name:*str<m>(n)   a pointer to n of them
    name:*bin(n)      a pointer to n bytes; bin is base64 under XML, char is the bytes as they are
    @Other_PI         a structure inside this one; @*Other_PI, @Other_PI[n] and @*Other_PI[n] as above
    name:?kind        a pointer to the structure whose name stands in the field `kind`

A structure that stands in another one is a field of its own name; the second of the same name gets `_2` (XML has
the same tag for both). Names, order and sizes are those of iRODS 5.0.2.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Union

# Sizes of character arrays, the closing NUL included.
SIZES = {
    "TYPE": 128,
    "NAME": 64,
    "LONG": 256,
    "PATH": 1088,
    "SHORT": 32,
    "TIME": 32,
    "ERROR": 1024,
    "META": 20480,
    "RULES": 10880,
    "HUGE": 100000,
    "PASSWORD": 50,
    "COLUMNS": 50,
    "SETTING": 2700,
}

_TABLE = """
MsgHeader_PI       type:str<TYPE> msgLen:int errorLen:int bsLen:int intInfo:int
StartupPack_PI     irodsProt:int reconnFlag:int connectCnt:int proxyUser:str<NAME> proxyRcatZone:str<NAME>
                   clientUser:str<NAME> clientRcatZone:str<NAME> relVersion:str<NAME> apiVersion:str<NAME>
                   option:str<LONG>
Version_PI         status:int relVersion:str<NAME> apiVersion:str<NAME> reconnPort:int reconnAddr:str<LONG> cookie:int
CS_NEG_PI          status:int result:str<PATH>
ReconnMsg_PI       status:int cookie:int procState:int flag:int
RErrMsg_PI         status:int msg:str<ERROR>
RError_PI          count:int @*RErrMsg_PI[count]

STR_PI             myStr:str
IRODS_STR_PI       myStr:str<PATH>
STR_PTR_PI         myStr:*str
CHAR_PI            myChar:char
INT_PI             myInt:int
INT16_PI           myInt:int16
BUF_LEN_PI         myInt:int
FLOAT_PI           myInt:int
BOOL_PI            myInt:int
DOUBLE_PI          myDouble:int64
StrArray_PI        len:int size:int value:*str<size>(len)
IntArray_PI        len:int value:*int(len)
BytesBuf_PI        buflen:int buf:*char(buflen)
BinBytesBuf_PI     buflen:int buf:*bin(buflen)
KeyValPair_PI      ssLen:int keyWord:*str[ssLen] svalue:*str[ssLen]
InxIvalPair_PI     iiLen:int inx:*int(iiLen) ivalue:*int(iiLen)
InxValPair_PI      isLen:int inx:*int(isLen) svalue:*str[isLen]
TagStruct_PI       ssLen:int preTag:*str[ssLen] postTag:*str[ssLen] keyWord:*str[ssLen]
RHostAddr_PI       hostAddr:str<LONG> rodsZone:str<NAME> port:int dummyInt:int

SpecColl_PI        collClass:int type:int collection:str<PATH> objPath:str<PATH> resource:str<NAME> rescHier:str<PATH>
                   phyPath:str<PATH> cacheDir:str<PATH> cacheDirty:int replNum:int
DataObjInp_PI      objPath:str<PATH> createMode:int openFlags:int offset:int64 dataSize:int64 numThreads:int
                   oprType:int @*SpecColl_PI @KeyValPair_PI
OpenedDataObjInp_PI l1descInx:int len:int whence:int oprType:int offset:int64 bytesWritten:int64 @KeyValPair_PI
DataObjCopyInp_PI  @DataObjInp_PI @DataObjInp_PI
CollInpNew_PI      collName:str<PATH> flags:int oprType:int @KeyValPair_PI
CollOprStat_PI     filesCnt:int totalFileCnt:int bytesWritten:int64 lastObjPath:str<PATH>
CollEnt_PI         objType:int replNum:int replStatus:int dataMode:int dataSize:int64 collName:*str dataName:*str
                   dataId:*str createTime:*str modifyTime:*str chksum:*str resource:*str resc_hier:*str phyPath:*str
                   ownerName:*str dataType:*str @SpecColl_PI
RodsObjStat_PI     objSize:int64 objType:int dataMode:int dataId:str<NAME> chksum:str<NAME> ownerName:str<NAME>
                   ownerZone:str<NAME> createTime:str<TIME> modifyTime:str<TIME> @*SpecColl_PI
OpenStat_PI        dataSize:int64 dataType:str<NAME> dataMode:str<SHORT> l3descInx:int replStatus:int rescTypeInx:int
                   replNum:int
fileLseekInp_PI    fileInx:int offset:int64 whence:int
fileLseekOut_PI    offset:int64
PortList_PI        portNum:int cookie:int sock:int windowSize:int hostAddr:str<LONG>
PortalOprOut_PI    status:int l1descInx:int numThreads:int chksum:str<NAME> @PortList_PI
DataOprInp_PI      oprType:int numThreads:int srcL3descInx:int destL3descInx:int srcRescTypeInx:int
                   destRescTypeInx:int offset:int64 dataSize:int64 @KeyValPair_PI
DataCopyInp_PI     @DataOprInp_PI @PortalOprOut_PI
TransStat_PI       numThreads:int bytesWritten:int64
TransferStat_PI    numThreads:int flags:int bytesWritten:int64
ChkObjPermAndStat_PI objPath:str<PATH> permission:str<NAME> flags:int status:int @KeyValPair_PI
StructFileExtAndRegInp_PI objPath:str<PATH> collection:str<PATH> oprType:int flags:int @KeyValPair_PI
BulkOprInp_PI      objPath:str<PATH> @GenQueryOut_PI @KeyValPair_PI
DataObjInfo_PI     objPath:str<PATH> rescName:str<NAME> rescHier:str<PATH> dataType:str<NAME> dataSize:int64
                   chksum:str<NAME> version:str<NAME> filePath:str<PATH> dataOwnerName:str<NAME>
                   dataOwnerZone:str<NAME> replNum:int replStatus:int statusString:str<NAME> dataId:int64
                   collId:int64 dataMapId:int flags:int dataComments:str<LONG> dataMode:str<SHORT>
                   dataExpiry:str<TIME> dataCreate:str<TIME> dataModify:str<TIME> dataAccess:str<NAME>
                   dataAccessInx:int writeFlag:int destRescName:str<NAME> backupRescName:str<NAME> subPath:str<PATH>
                   specColl:*int regUid:int otherFlags:int @KeyValPair_PI in_pdmo:str<PATH> next:*int rescId:int64
                   dataAccessTime:str<TIME>
ModDataObjMeta_PI  @*DataObjInfo_PI @*KeyValPair_PI
UnregDataObj_PI    @*DataObjInfo_PI @*KeyValPair_PI
RegReplica_PI      @*DataObjInfo_PI @*DataObjInfo_PI @KeyValPair_PI

GenQueryInp_PI     maxRows:int continueInx:int partialStartIndex:int options:int @KeyValPair_PI @InxIvalPair_PI
                   @InxValPair_PI
SqlResult_PI       attriInx:int reslen:int value:*str<reslen>(rowCnt)
GenQueryOut_PI     rowCnt:int attriCnt:int continueInx:int totalRowCount:int @SqlResult_PI[COLUMNS]
GenArraysInp_PI    rowCnt:int attriCnt:int continueInx:int totalRowCount:int @KeyValPair_PI @SqlResult_PI[COLUMNS]
specificQueryInp_PI sql:*str arg1:*str arg2:*str arg3:*str arg4:*str arg5:*str arg6:*str arg7:*str arg8:*str
                   arg9:*str arg10:*str maxRows:int continueInx:int rowOffset:int options:int @KeyValPair_PI
Genquery2Input_PI  query_string:*str zone:*str sql_only:int column_mappings:int

ModAVUMetadataInp_PI arg0:*str arg1:*str arg2:*str arg3:*str arg4:*str arg5:*str arg6:*str arg7:*str arg8:*str
                   arg9:*str @KeyValPair_PI
modAccessControlInp_PI recursiveFlag:int accessLevel:*str userName:*str zone:*str path:*str
generalAdminInp_PI arg0:*str arg1:*str arg2:*str arg3:*str arg4:*str arg5:*str arg6:*str arg7:*str arg8:*str arg9:*str
userAdminInp_PI    arg0:*str arg1:*str arg2:*str arg3:*str arg4:*str arg5:*str arg6:*str arg7:*str arg8:*str arg9:*str
ticketAdminInp_PI  arg1:*str arg2:*str arg3:*str arg4:*str arg5:*str arg6:*str @KeyValPair_PI
endTransactionInp_PI arg0:*str arg1:*str
getTempPasswordOut_PI stringToHashWith:str<PASSWORD>
getTempPasswordForOtherInp_PI targetUser:*str unused:*str
getTempPasswordForOtherOut_PI stringToHashWith:str<PASSWORD>
getLimitedPasswordInp_PI ttl:int unused1:*str
getLimitedPasswordOut_PI stringToHashWith:str<PASSWORD>
getRescQuotaInp_PI rescName:str<NAME> userName:str<NAME> zoneHint:str<PATH> flags:int dummy:int @KeyValPair_PI
rescQuota_PI       rescName:str<NAME> userId:str<NAME> flags:int dummy:int quotaLimit:int64 quotaOverrun:int64
                   @*rescQuota_PI
getHierarchyForRescInp_PI resc_name_:str<PATH>
getHierarchyForRescOut_PI resc_hier_:str<PATH>
GetHierInp_PI      resc_id_:int64
GetHierOut_PI      hier_:str<PATH>
ProcStatInp_PI     addr:str<LONG> rodsZone:str<NAME> @KeyValPair_PI
MiscSvrInfo_PI     serverType:int serverBootTime:int relVersion:str<NAME> apiVersion:str<NAME> rodsZone:str<NAME>
                   @BinBytesBuf_PI
SwitchUserInp_PI   username:str<NAME> zone:str<NAME> @KeyValPair_PI
GridConfigurationInp_PI name_space:str<SETTING> option_name:str<SETTING> option_value:str<SETTING>
GridConfigurationOut_PI option_value:str<SETTING>
DelayServerMigrationInp_PI leader:str<SETTING> successor:str<SETTING>

authRequestOut_PI  challenge:*bin(64)
authResponseInp_PI response:*bin(16) username:*str
authPlugReqInp_PI  auth_scheme_:str<PATH> context_:str<PATH>
authPlugReqOut_PI  result_:str<PATH>
sslStartInp_PI     arg0:*str
sslEndInp_PI       arg0:*str

MsParam_PI         label:*str type:*str inOutStruct:?type @*BinBytesBuf_PI
MsParamArray_PI    paramLen:int oprType:int @*MsParam_PI[paramLen]
ExecMyRuleInp_PI   myRule:str<META> @RHostAddr_PI @KeyValPair_PI outParamDesc:str<LONG> @*MsParamArray_PI
ExecCmd_PI         cmd:str<LONG> cmdArgv:str<HUGE> execAddr:str<LONG> hintPath:str<PATH> addPathToArgv:int dummy:int
                   @KeyValPair_PI
ExecCmdOut_PI      @BinBytesBuf_PI @BinBytesBuf_PI status:int
RULE_EXEC_SUBMIT_INP_PI ruleName:str<META> reiFilePath:str<PATH> userName:str<NAME> exeAddress:str<NAME>
                   exeTime:str<TIME> exeFrequency:str<NAME> priority:str<NAME> lastExecTime:str<NAME>
                   exeStatus:str<NAME> estimateExeTime:str<NAME> notificationAddr:str<NAME> @KeyValPair_PI
                   @*BytesBuf_PI ruleExecId:str<NAME>
RULE_EXEC_DEL_INP_PI ruleExecId:str<NAME>
RULE_EXEC_MOD_INP_PI ruleId:str<NAME> @KeyValPair_PI
"""


class Kind(Enum):
    """What a field holds."""

    CHAR = "char"
    BIN = "bin"
    STR = "str"
    INT = "int"
    INT16 = "int16"
    INT64 = "int64"
    STRUCTURE = "structure"
    # A structure whose name is the value of another field.
    CHOICE = "choice"


# How many: a number, or the name of the int field that says it.
Count = Union[int, str]


@dataclass(frozen=True)
class Field:
    """One field of a structure: its key in the decoded record, its tag in XML, and how it is laid out."""

    key: str
    tag: str
    kind: Kind
    pointer: bool = False
    # [n]: an array of values, or of pointers if `pointer`.
    length: Count | None = None
    # (n): what one pointer points at.
    extent: Count | None = None
    # <n>: the room for one text, its NUL included; None is any length.
    room: Count | None = None
    # For CHOICE: the field that names the structure.
    chooser: str = ""


_FIELD = re.compile(
    r"(?:(?P<name>\w+):(?P<star>\*?)(?P<kind>\w+)|(?P<at>@)(?P<astar>\*?)(?P<struct>\w+)|(?P<cname>\w+):\?(?P<chooser>\w+))"
    r"(?:<(?P<room>\w+)>)?(?:\[(?P<length>\w+)\])?(?:\((?P<extent>\w+)\))?"
)


def _count(text: str | None) -> Count | None:
    if text is None:
        return None
    return int(text) if text.isdigit() else SIZES.get(text, text)


def _field(word: str, taken: set[str]) -> Field:
    match = _FIELD.fullmatch(word)
    if match is None:
        raise ValueError(f"cannot read the field {word!r} of the table of structures")
    part = match.groupdict()
    length, extent, room = _count(part["length"]), _count(part["extent"]), _count(part["room"])
    if part["cname"]:
        return Field(part["cname"], part["cname"], Kind.CHOICE, pointer=True, chooser=part["chooser"])
    if part["at"]:
        tag = part["struct"]
        key = tag if tag not in taken else f"{tag}_2"
        return Field(key, tag, Kind.STRUCTURE, bool(part["astar"]), length, extent, room)
    return Field(part["name"], part["name"], Kind(part["kind"]), bool(part["star"]), length, extent, room)


def _split(table: str) -> dict[str, str]:
    entries: dict[str, str] = {}
    name = ""
    for line in table.splitlines():
        if line and not line.startswith(" "):
            name, _, line = line.partition(" ")
        if name:
            entries[name] = f"{entries.get(name, '')} {line}"
    return entries


_ENTRIES = _split(_TABLE)

NAMES = frozenset(_ENTRIES)


@cache
def fields_of(structure: str) -> tuple[Field, ...]:
    """The fields of a structure, in order. KeyError if the table has no such structure."""
    fields: list[Field] = []
    for word in _ENTRIES[structure].split():
        fields.append(_field(word, {field.key for field in fields}))
    return tuple(fields)
