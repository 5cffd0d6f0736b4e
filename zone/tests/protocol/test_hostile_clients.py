"""Whatever a client sends, the zone answers or ends its connection, and goes on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from irods_zone.api.calls import CALLS
from irods_zone.forkserver import Forkserver
from irods_zone.protocol.frames import head_bytes
from irods_zone.protocol.packing import Packing, pack
from irods_zone.protocol.structures import Field, Kind, fields_of
from irods_zone.pytest_plugin import EmbeddedZone
from irods_zone.raw_client import RawClient

HOME = "/tempZone/home/rods"


@pytest.fixture(scope="module")
def zone(irods_forkserver: Forkserver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedZone]:
    made = EmbeddedZone(irods_forkserver, tmp_path_factory.mktemp("hostile"), None, {})
    yield made
    made.close()


def _lives(zone: EmbeddedZone) -> bool:
    client = zone.raw_client(packing=Packing.XML)
    reply = client.request(700)
    client.drop()
    return reply.int_info == 0


def _ends(client: RawClient) -> bool:
    """Whether the server ends the connection (what it says before that does not matter)."""
    try:
        while True:
            client.read()
    except ConnectionError:
        return True
    finally:
        client.drop()


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\xff" * 100,
        b"\0\0\0\4abcd",
        head_bytes("RODS_CONNECT", msg_len=(4 << 30) - 1),
        head_bytes("RODS_CONNECT", msg_len=10) + b"<Startup/>",
        head_bytes("RODS_API_REQ", int_info=702),
        head_bytes("RODS_DISCONNECT"),
    ],
)
def test_garbage_ends_its_connection_and_no_other(zone: EmbeddedZone, data: bytes) -> None:
    client = zone.raw_client(signed_in=False)
    client.socket.sendall(data)
    assert _ends(client)
    assert _lives(zone)


def test_a_frame_that_claims_four_gigabytes_after_sign_in_ends_its_connection(zone: EmbeddedZone) -> None:
    client = zone.raw_client(packing=Packing.XML)
    client.socket.sendall(head_bytes("RODS_API_REQ", int_info=676, bs_len=(4 << 30) - 1))
    assert _ends(client)
    assert _lives(zone)


def test_a_client_that_stops_half_way_leaves_no_trace(zone: EmbeddedZone) -> None:
    client = zone.raw_client(packing=Packing.XML)
    client.socket.sendall(head_bytes("RODS_API_REQ", int_info=676, msg_len=10, bs_len=1 << 20) + b"x" * 1000)
    client.drop()
    assert _lives(zone)


@pytest.mark.parametrize("packing", [Packing.NATIVE, Packing.XML])
@pytest.mark.parametrize(("user", "password"), [("rods", "wrong"), ("rods", ""), ("nobody", "rods"), ("anonymous", "")])
def test_a_wrong_password_opens_nothing(zone: EmbeddedZone, packing: Packing, user: str, password: str) -> None:
    client = zone.raw_client(packing=packing, user=user, signed_in=False)
    client.start()
    assert client.sign_in(password) in (-826000, -827000)
    assert client.request(702, pack("GenQueryInp_PI", {"maxRows": 1}, packing)).int_info == -13000
    client.drop()


_PATHS = [HOME, f"{HOME}/x", f"{HOME}/f", "/", "", "relative", f"{HOME}/../../..", "/otherZone/home", "//"]
_PATHS += ["/tempZone/trash/home/rods/q", f"{HOME}/" + "a" * 900, f"{HOME}/ü\n'\"<&>`%_", "/tempZone/home/public/z"]
_WORDS = ["-C", "-d", "-R", "-u", "add", "set", "rm", "mod", "cp", "rmw", "user", "rods", "public", "tempZone", "own"]
_WORDS += ["demoResc", "read", "null", "0", "1", "-1", "x" * 70, "'", "= 'x'", "like '%'", "in ('a','b')", "||", "&&"]
_WORDS += ["between '1' '2'", "ShowCollAcls", "none", "rodsuser", "resource", "", "%", "10000", "= ''' OR 1=1 --"]
_KEYS = ["recursiveOpr", "forceFlag", "destRescName", "dataIncluded", "dataSize", "verifyChksum", "replNum", "zone"]
_KEYS += ["resc_hier", "replicaToken", "filePath", "all", "numThreads", "instance_name", "irodsRmTrash", "chksumAll"]
_COLUMNS = [401, 403, 407, 500, 501, 600, 601, 610, 611, 612, 700, 702, 202, 1001, 102, 901, 9999, -5, 0]
_JSON = [
    b"",
    b"{}",
    b"[]",
    b"null",
    b"\xff\xfe",
    b"[" * 3000,
    b'{"fd": 3}',
    b'{"fd": "x"}',
    b'{"fd": 99999999999999999999}',
    b'{"logical_path": 5, "options": []}',
    b'{"logical_path": "%s/t", "options": {"seconds_since_epoch": "x"}}' % HOME.encode(),
    b'{"entity_name": "%s", "entity_type": "collection", "operations": [5, {"operation": "z"}]}' % HOME.encode(),
    b'{"entity_name": 5, "entity_type": [], "operations": {}}',
    b'{"logical_path": "%s", "operations": [{"entity_name": 1, "acl": {}}]}' % HOME.encode(),
    b'{"replica": {"object_path": 1}}',
]


@st.composite
def _records(draw: st.DrawFn, structure: str, depth: int = 0) -> Any:
    """Values of the right types that make little sense."""
    words = st.sampled_from([*_WORDS, *_PATHS])
    if structure == "KeyValPair_PI":
        return draw(st.dictionaries(st.sampled_from(_KEYS), words, max_size=3))
    if structure == "InxIvalPair_PI":
        options = st.sampled_from([0, 1, 2, 4, 6, 0x400, 0x800, -1])
        return draw(st.lists(st.tuples(st.sampled_from(_COLUMNS), options), max_size=3))
    if structure == "InxValPair_PI":
        return draw(st.lists(st.tuples(st.sampled_from(_COLUMNS), words), max_size=3))
    if structure in ("BinBytesBuf_PI", "BytesBuf_PI"):
        return {"buf": draw(st.sampled_from(_JSON))}
    if structure in ("GenQueryOut_PI", "MsParamArray_PI"):
        return {}
    return {field.key: draw(_field(field, depth)) for field in fields_of(structure)}


def _field(field: Field, depth: int) -> st.SearchStrategy[Any]:
    if field.kind is Kind.STRUCTURE:
        inner = _records(field.tag, depth + 1)
        return (st.one_of(st.none(), inner) if depth < 3 else st.none()) if field.pointer else inner
    if field.length is not None or field.extent is not None or field.kind is Kind.CHOICE:
        return st.none()
    if field.kind is not Kind.STR:
        numbers = [0, 1, 2, 3, 5, 100, 577, -1]
        return st.sampled_from(numbers if field.kind is Kind.INT16 else [*numbers, 2**31 - 1, -(2**31)])
    room = field.room if isinstance(field.room, int) else 5000
    texts = [text for text in (*_WORDS, *_PATHS) if len(text.encode()) < room]
    return st.one_of(st.none(), st.sampled_from(texts)) if field.pointer else st.sampled_from(texts)


@pytest.mark.parametrize("packing", [Packing.NATIVE, Packing.XML])
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_request_is_answered(zone: EmbeddedZone, packing: Packing, data: st.DataObject) -> None:
    client = _CLIENTS.get(packing)
    if client is None:
        client = _CLIENTS[packing] = zone.raw_client(packing=packing)
    number = data.draw(st.sampled_from(sorted(CALLS)))
    structure = CALLS[number].input
    msg = bytearray(pack(structure, data.draw(_records(structure)), packing) if structure else b"")
    for _ in range(data.draw(st.integers(0, 2)) if msg else 0):
        msg[data.draw(st.integers(0, len(msg) - 1))] = data.draw(st.integers(0, 255))
    seen = len(zone.log_text())
    try:
        reply = client.request(number, bytes(msg), data.draw(st.sampled_from([b"", b"hello", b"x" * 5000])))
        assert reply.type == "RODS_API_REPLY"
    except Exception:
        del _CLIENTS[packing]
        raise
    assert "Traceback" not in zone.log_text()[seen:]


_CLIENTS: dict[Packing, RawClient] = {}


@pytest.fixture(scope="module", autouse=True)
def _forget_clients() -> Iterator[None]:
    yield
    while _CLIENTS:
        _CLIENTS.popitem()[1].drop()
