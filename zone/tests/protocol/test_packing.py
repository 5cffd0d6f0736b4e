"""Records and bytes: each comes back unchanged, in both packings; only invalid messages are refused."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irods_zone.protocol.errors import LocalProtocolError, ProtocolError, RemoteProtocolError
from irods_zone.protocol.packing import NULL, Packing, default, pack, unpack
from irods_zone.protocol.structures import NAMES, Field, Kind, fields_of

PACKINGS = list(Packing)

_TEXT = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=12)
_INTS = {Kind.INT: 31, Kind.INT16: 15, Kind.INT64: 63}


def _scalar(kind: Kind) -> st.SearchStrategy[Any]:
    bits = _INTS.get(kind)
    return _TEXT if bits is None else st.integers(-(1 << bits), (1 << bits) - 1)


_KEYS = _TEXT.filter(bool)


@st.composite
def records(draw: st.DrawFn, structure: str, depth: int = 0) -> Any:
    """A value that fits a structure."""
    if structure == "KeyValPair_PI":
        return draw(st.dictionaries(_KEYS, _TEXT, max_size=3))
    if structure == "InxIvalPair_PI":
        return draw(st.lists(st.tuples(_scalar(Kind.INT), _scalar(Kind.INT)), max_size=3))
    if structure == "InxValPair_PI":
        return draw(st.lists(st.tuples(_scalar(Kind.INT), _TEXT), max_size=3))
    fields = fields_of(structure)
    counts = {count for field in fields for count in (field.length, field.extent, field.room) if isinstance(count, str)}
    record: dict[str, Any] = {}
    for field in fields:
        if field.key in counts:
            record[field.key] = 60 if field.key in ("size", "reslen") else draw(st.integers(0, 3))
        elif field.key == "rowCnt":
            record[field.key] = draw(st.integers(0, 3))
        else:
            record[field.key] = draw(_values(field, record, depth))
    return record


def _values(field: Field, record: dict[str, Any], depth: int) -> st.SearchStrategy[Any]:
    count = field.length if field.length is not None else field.extent
    number = count if isinstance(count, int) or count is None else record.get(count, 0)
    if field.kind in (Kind.BIN, Kind.CHAR):
        # Raw bytes have no escapes in XML.
        size = 1 if number is None else number
        return st.binary(min_size=size, max_size=size) if field.kind is Kind.BIN else st.just(b"x" * size)
    if field.kind is Kind.CHOICE:
        chosen = record[field.chooser]
        return st.none() if not chosen else records(chosen, depth + 1)
    if field.kind is Kind.STRUCTURE:
        # Pointers end at some depth.
        one = st.none() if field.pointer and depth > 2 and number is None else records(field.tag, depth + 1)
    else:
        one = _scalar(field.kind)
    if field.key == "type" and field.pointer:
        one = st.sampled_from(["STR_PI", "INT_PI", "DOUBLE_PI", ""])
    if number is not None:
        return st.lists(one, min_size=number, max_size=number)
    # An array whose first item begins with a null pointer is read as a missing array; labels always exist.
    return st.one_of(st.none(), one) if field.pointer and field.key not in ("type", "label") else one


# GenQueryOut and its kin count the rows in one structure and keep them in another; of two pointers to structures of
# one name XML does not say which is missing.
_DRAWN = sorted(NAMES - {"GenQueryOut_PI", "GenArraysInp_PI", "BulkOprInp_PI", "SqlResult_PI", "RegReplica_PI"})


@pytest.mark.parametrize("packing", PACKINGS)
@given(data=st.data())
def test_what_is_packed_comes_back(packing: Packing, data: st.DataObject) -> None:
    structure = data.draw(st.sampled_from(_DRAWN))
    value = data.draw(records(structure))
    try:
        packed = pack(structure, value, packing)
    except LocalProtocolError:
        # A text too long for its place.
        return
    assert unpack(structure, packed, packing) == value


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("structure", sorted(NAMES - {"SqlResult_PI"}))
def test_an_empty_record_can_be_packed(structure: str, packing: Packing) -> None:
    value = default(structure)
    back = unpack(structure, pack(structure, value, packing), packing)
    # The answer of a query has its columns even if none is used.
    if "SqlResult_PI" not in str(value):
        assert back == value


def test_a_column_of_a_query_is_no_message_of_its_own() -> None:
    with pytest.raises(LocalProtocolError, match="rowCnt"):
        pack("SqlResult_PI", {}, Packing.XML)


@pytest.mark.parametrize("packing", PACKINGS)
def test_rows_of_a_query(packing: Packing) -> None:
    columns = [
        {"attriInx": 501, "reslen": 50, "value": ["/tempZone", "it's <&> \"`"]},
        {"attriInx": 401, "reslen": 50, "value": ["", "ü"]},
    ]
    answer = {"rowCnt": 2, "attriCnt": 2, "continueInx": 0, "totalRowCount": 0, "SqlResult_PI": columns}
    back = unpack("GenQueryOut_PI", pack("GenQueryOut_PI", answer, packing), packing)
    assert back["SqlResult_PI"][:2] == columns
    assert back["SqlResult_PI"][2:] == [{"attriInx": 0, "reslen": 0, "value": []}] * 48


def test_two_structures_of_one_name_stay_apart() -> None:
    value = {"DataObjInp_PI": {"objPath": "/a"}, "DataObjInp_PI_2": {"objPath": "/b"}}
    for packing in Packing:
        back = unpack("DataObjCopyInp_PI", pack("DataObjCopyInp_PI", value, packing), packing)
        assert (back["DataObjInp_PI"]["objPath"], back["DataObjInp_PI_2"]["objPath"]) == ("/a", "/b")


def test_a_pointer_to_nothing_is_irodss_own_word_in_native_packing_and_absent_in_xml() -> None:
    assert pack("STR_PTR_PI", {}, Packing.NATIVE) == NULL
    assert pack("STR_PTR_PI", {}, Packing.XML) == b"<STR_PTR_PI>\n</STR_PTR_PI>\n"


def test_apos_is_a_backquote_for_clients_before_4_2_9() -> None:
    assert b"<myStr>'&apos;</myStr>" in pack("STR_PI", {"myStr": "'`"}, Packing.XML_BEFORE_4_2_9)
    assert b"<myStr>&apos;`</myStr>" in pack("STR_PI", {"myStr": "'`"}, Packing.XML)


def test_fields_that_a_python_client_leaves_out_are_empty() -> None:
    data = b"<DataObjInp_PI><objPath>/a</objPath><oprType>7</oprType></DataObjInp_PI>"
    value = unpack("DataObjInp_PI", data, Packing.XML)
    assert value == {**default("DataObjInp_PI"), "objPath": "/a", "oprType": 7}


def test_bytes_that_are_no_utf8_survive() -> None:
    for packing in Packing:
        assert unpack("STR_PI", pack("STR_PI", {"myStr": "\udcff"}, packing), packing) == {"myStr": "\udcff"}


@pytest.mark.parametrize(
    ("structure", "data"),
    [
        ("KeyValPair_PI", b"\x7f\xff\xff\xff" + b"a\0"),
        ("InxIvalPair_PI", b"\x7f\xff\xff\xff" + b"\0" * 64),
        ("RError_PI", b"\x7f\xff\xff\xff"),
        ("BinBytesBuf_PI", b"\x7f\xff\xff\xff" + b"abc"),
        ("MsParamArray_PI", b"\x7f\xff\xff\xff\0\0\0\0"),
        ("KeyValPair_PI", (200_000).to_bytes(4, "big") + bytes(400_000)),
        ("STR_PI", b"no end"),
        ("INT_PI", b"\0\0"),
        ("CollInpNew_PI", b"x" * 1088 + b"\0" * 20),
    ],
)
def test_native_messages_that_claim_more_than_they_have_are_refused(structure: str, data: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        unpack(structure, data, Packing.NATIVE)


@pytest.mark.parametrize(
    ("structure", "data"),
    [
        ("KeyValPair_PI", b"<KeyValPair_PI><ssLen>2147483647</ssLen></KeyValPair_PI>"),
        ("RError_PI", b"<RError_PI><count>9</count><RErrMsg_PI></RErrMsg_PI></RError_PI>"),
        ("BinBytesBuf_PI", b"<BinBytesBuf_PI><buflen>5</buflen><buf>!!!</buf></BinBytesBuf_PI>"),
        ("INT_PI", b"<INT_PI><myInt>4294967296</myInt></INT_PI>"),
        ("INT_PI", b"<INT_PI><myInt>" + b"9" * 5000 + b"</myInt></INT_PI>"),
        ("STR_PI", b"<STR_PI><myStr>a</STR_PI>"),
        ("STR_PI", b"<STR_PI><myStr>\0</myStr></STR_PI>"),
        ("STR_PI", b""),
        ("rescQuota_PI", b"<rescQuota_PI>" * 1000),
        ("MsParam_PI", b"<MsParam_PI><type>NO_PI</type><NO_PI></NO_PI></MsParam_PI>"),
    ],
)
def test_xml_messages_that_are_none_are_refused(structure: str, data: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        unpack(structure, data, Packing.XML)


@given(structure=st.sampled_from(sorted(NAMES)), packing=st.sampled_from(PACKINGS), data=st.binary(max_size=200))
def test_of_any_bytes_only_a_protocol_error_comes(structure: str, packing: Packing, data: bytes) -> None:
    with suppress(RemoteProtocolError):
        unpack(structure, data, packing)


@given(data=st.data(), packing=st.sampled_from(PACKINGS))
def test_of_a_damaged_message_only_a_protocol_error_comes(data: st.DataObject, packing: Packing) -> None:
    structure = data.draw(st.sampled_from(_DRAWN))
    try:
        packed = bytearray(pack(structure, data.draw(records(structure)), packing))
    except LocalProtocolError:
        return
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, max(0, len(packed) - 1)))
        packed[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    try:
        unpack(structure, bytes(packed), packing)
    except ProtocolError as error:
        assert isinstance(error, RemoteProtocolError)
