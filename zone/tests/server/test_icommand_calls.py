"""The calls of iCommands that python-irodsclient does not make: put and get, whole or streamed, in both packings."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator
from typing import Any

import pytest

from irods_zone.protocol.packing import Packing
from irods_zone.pytest_plugin import EmbeddedZone
from irods_zone.raw_client import RawClient

PUT, GET, READ, WRITE, DONE = 606, 608, 675, 676, 626


@pytest.fixture(params=[Packing.NATIVE, Packing.XML], ids=["native", "xml"])
def client(irods_zone: EmbeddedZone, request: pytest.FixtureRequest) -> Iterator[RawClient]:
    made = irods_zone.raw_client(option="iput", packing=request.param)
    yield made
    made.close()


def _record(path: str, size: int = 0, **keywords: str) -> dict[str, Any]:
    return {"objPath": path, "dataSize": size, "oprType": 1, "KeyValPair_PI": keywords}


def _sha2(data: bytes) -> str:
    return "sha2:" + base64.b64encode(hashlib.sha256(data).digest()).decode()


def test_small_objects_travel_in_the_call(irods_zone: EmbeddedZone, client: RawClient) -> None:
    path, data = f"{irods_zone.home}/o", os.urandom(100_000)
    assert client.call(PUT, _record(path, len(data), dataIncluded=""), data).status == 0
    assert client.call(PUT, _record(path, len(data), dataIncluded=""), data).status == -312000
    checked = _record(path, 4, dataIncluded="", forceFlag="", verifyChksum=_sha2(b"text"))
    assert client.call(PUT, checked, b"text").status == 0
    reply = client.call(GET, _record(path, verifyChksum=""))
    assert (reply.status, reply.data, reply.output["chksum"]) == (4, b"text", _sha2(b"text"))
    assert client.call(PUT, checked, b"else").status == -314000
    assert irods_zone.session().data_objects.get(path).replicas[0].status == "0"


def test_an_empty_object_is_an_object(irods_zone: EmbeddedZone, client: RawClient) -> None:
    path = f"{irods_zone.home}/o"
    assert client.call(PUT, _record(path, 0, dataIncluded="")).status == 0
    reply = client.call(GET, _record(path))
    assert (reply.status, reply.data) == (0, b"")


def test_large_objects_are_streamed_inside_the_call(irods_zone: EmbeddedZone, client: RawClient) -> None:
    path, piece = f"{irods_zone.home}/o", os.urandom(4 << 20)
    count = 9  # 36 MB: more than a reply holds
    begun = client.call(PUT, _record(path, count * len(piece)))
    descriptor = begun.output["l1descInx"]
    assert (begun.status, begun.output["numThreads"]) == (0, 0)
    for _ in range(count):
        assert client.call(WRITE, {"l1descInx": descriptor, "len": len(piece)}, piece).status == len(piece)
    assert client.call(DONE, {"myInt": descriptor}).status == 0
    assert irods_zone.session().data_objects.get(path).replicas[0].status == "1"

    got = client.call(GET, _record(path))
    assert got.status == got.output["l1descInx"] > 0
    for _ in range(count):
        assert client.call(READ, {"l1descInx": got.status, "len": len(piece)}).data == piece
    assert client.call(READ, {"l1descInx": got.status, "len": 10}).data == b""
    assert client.call(DONE, {"myInt": got.status}).status == 0
    assert client.call(633, {"objPath": path, "KeyValPair_PI": {}}).status == 1


def test_a_put_that_brings_too_few_bytes_is_refused(irods_zone: EmbeddedZone, client: RawClient) -> None:
    path = f"{irods_zone.home}/o"
    descriptor = client.call(PUT, _record(path, 40 << 20)).output["l1descInx"]
    client.call(WRITE, {"l1descInx": descriptor, "len": 4}, b"text")
    assert client.call(DONE, {"myInt": descriptor}).status == -27000
    assert irods_zone.session().data_objects.get(path).replicas[0].status == "0"


def test_one_frame_larger_than_the_memory_it_may_take(irods_zone: EmbeddedZone, client: RawClient) -> None:
    path, data = f"{irods_zone.home}/o", b"0123456789abcdef" * (5 << 20)  # 80 MB
    opened = {"objPath": path, "openFlags": os.O_CREAT | os.O_WRONLY, "dataSize": -1, "KeyValPair_PI": {}}
    descriptor = client.call(602, opened).status
    assert client.call(WRITE, {"l1descInx": descriptor, "len": len(data)}, data).status == len(data)
    assert client.call(673, {"l1descInx": descriptor}).status == 0
    assert hashlib.sha256((irods_zone.vault / "home/rods/o").read_bytes()).digest() == hashlib.sha256(data).digest()


def test_a_bulk_put_makes_an_object_of_each_row(irods_zone: EmbeddedZone, client: RawClient) -> None:
    names = [f"{irods_zone.home}/a", f"{irods_zone.home}/b"]
    columns = {403: names, 421: ["33188", "33188"], 999998: ["3", "8"]}
    slots = [{"attriInx": number, "reslen": 1088, "value": values} for number, values in columns.items()]
    slots += [{"attriInx": 0, "reslen": 0, "value": []}] * 47
    table = {"rowCnt": 2, "attriCnt": 3, "continueInx": -1, "totalRowCount": 0, "SqlResult_PI": slots}
    record = {"objPath": irods_zone.home, "GenQueryOut_PI": table, "KeyValPair_PI": {}}
    assert client.call(689, record, b"onetwoTW").status == 0
    assert [client.call(GET, _record(name)).data for name in names] == [b"one", b"twoTW"]


def test_descriptors_that_are_not_open_are_refused(irods_zone: EmbeddedZone, client: RawClient) -> None:
    for number, closed in ((READ, -345000), (WRITE, -345000), (673, -130000), (674, -345000)):
        data = b"x" if number == WRITE else b""
        for descriptor, code in ((7, closed), (-1, -19000), (5000, -19000)):
            assert client.call(number, {"l1descInx": descriptor, "len": 1}, data).status == code
    assert client.call(DONE, {"myInt": 7}).status < 0
    assert client.call(633, {"objPath": "/no", "KeyValPair_PI": {}}).status == -310000


def test_a_query_without_rows_still_has_an_output(client: RawClient) -> None:
    asked = {"maxRows": 10, "InxIvalPair_PI": [(403, 1)], "InxValPair_PI": [(403, "= 'none'")], "KeyValPair_PI": {}}
    reply = client.call(702, asked)
    assert (reply.status, reply.output["rowCnt"], len(reply.output["SqlResult_PI"])) == (-808000, 0, 50)


def test_a_refusal_brings_its_text(irods_zone: EmbeddedZone, client: RawClient) -> None:
    reply = client.call(707, {"accessLevel": "nonsense", "userName": "public", "zone": "", "path": irods_zone.home})
    assert reply.status == -816000
    assert reply.errors == ["access level 'nonsense' is invalid"]


def test_the_trash_is_emptied_and_an_age_spares_what_is_young(irods_zone: EmbeddedZone, client: RawClient) -> None:
    path = f"{irods_zone.home}/o"
    client.call(PUT, _record(path, 4, dataIncluded=""), b"text")
    assert client.call(615, _record(path)).status == 0
    trash = "/tempZone/trash/home/rods"
    record = {"collName": trash, "KeyValPair_PI": {"irodsRmTrash": "", "recursiveOpr": "", "age": "5"}}
    assert client.call(679, record).status == 0
    assert client.call(633, {"objPath": f"{trash}/o", "KeyValPair_PI": {}}).status == 1
    del record["KeyValPair_PI"]["age"]  # type: ignore[attr-defined]
    assert client.call(679, record).status == 0
    assert client.call(633, {"objPath": f"{trash}/o", "KeyValPair_PI": {}}).status == -310000
    assert client.call(633, {"objPath": trash, "KeyValPair_PI": {}}).status == 2
