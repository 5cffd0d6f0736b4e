"""The bulk put of iput -b: many small objects in one call."""

from __future__ import annotations

from typing import Any

from irods_zone import errors
from irods_zone.errors import IrodsError
from irods_zone.operations import transfer
from irods_zone.operations.failures import refusal
from irods_zone.operations.transfer import Pieces
from irods_zone.session import Session

# Columns of the call's table.
_DATA_NAME = 403
_CHECKSUM = 415
_OFFSET = 999998


def put(session: Session, record: dict[str, Any], data: Pieces) -> None:
    """Puts each row of the table; `data` has the bytes of all; each row's offset is the end of its bytes."""
    if "forceFlag" in record["KeyValPair_PI"]:
        text = "Force flag keyword is not allowed for bulk puts."
        raise refusal(session, errors.USER_INCOMPATIBLE_PARAMS, text)
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise IrodsError(errors.USER_FILE_TOO_LARGE, "a bulk put of that size is not served")
    keywords: dict[str, str] = record["KeyValPair_PI"]
    table = record["GenQueryOut_PI"]
    columns = {slot["attriInx"]: slot["value"] for slot in table["SqlResult_PI"][: table["attriCnt"]]}
    try:
        names, ends = columns[_DATA_NAME], [int(text) for text in columns[_OFFSET]]
    except (KeyError, ValueError) as error:
        raise IrodsError(errors.SYS_INVALID_INPUT_PARAM, "the table has no names or no offsets") from error
    checksums = columns.get(_CHECKSUM) or [""] * len(names)
    start = 0
    for name, checksum, end in zip(names, checksums, ends):
        if not start <= end <= len(data):
            raise IrodsError(errors.SYS_INVALID_INPUT_PARAM, f"the offset {end} lies outside the data")
        row_keywords = {key: value for key, value in keywords.items() if key not in ("resc_hier", "translatedPath")}
        row_keywords["dataIncluded"] = ""
        if checksum:
            row_keywords["verifyChksum"] = checksum
        elif "regChksum" in keywords or "verifyChksum" in keywords:
            row_keywords["regChksum"] = ""
        transfer.put(
            session,
            {
                "objPath": name,
                "createMode": 0,  # a real server ignores the modes that clients send here
                "openFlags": 0,
                "dataSize": end - start,
                "oprType": 1,
                "KeyValPair_PI": row_keywords,
            },
            memoryview(data)[start:end],
        )
        start = end
        keywords["translatedPath"] = ""
        keywords["resc_hier"] = row_keywords["resc_hier"]
