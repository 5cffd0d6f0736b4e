"""Which messages may come when on a connection, and what happens to other bytes."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irods_zone.protocol import connection as protocol
from irods_zone.protocol.connection import NEED_DATA, ApiRequest, Connection, Data, Disconnect, Ping, Refused, Startup
from irods_zone.protocol.errors import LocalProtocolError, ProtocolError, RemoteProtocolError
from irods_zone.protocol.frames import UNAUTHENTICATED, Frame, FrameLimits, FrameReader, Piece, frame_bytes, head_bytes
from irods_zone.protocol.packing import Packing, pack, unpack
from tests.protocol.recording import Cut, commands


def _startup(**fields: object) -> bytes:
    start = {"irodsProt": 1, "proxyUser": "rods", "clientUser": "rods", "relVersion": "rods5.0.2", **fields}
    return frame_bytes(Frame("RODS_CONNECT", pack("StartupPack_PI", start, Packing.XML)))


def _request(number: int, msg: bytes = b"", bs: bytes = b"") -> bytes:
    return frame_bytes(Frame("RODS_API_REQ", msg, bs=bs, int_info=number))


def _ready(limits: FrameLimits | None = None, **fields: object) -> Connection:
    connection = Connection(limits)
    connection.receive_data(_startup(**fields))
    assert isinstance(connection.next_event(), Startup)
    connection.send_version()
    connection.signed_in()
    return connection


def test_a_client_connects_and_is_told_the_version() -> None:
    connection = Connection()
    connection.receive_data(_startup(option="ils", irodsProt=0))
    event = connection.next_event()
    assert isinstance(event, Startup)
    assert (event.packing, event.option, event.negotiate) == (Packing.NATIVE, "ils", False)
    assert b"<relVersion>rods5.0.2</relVersion>" in connection.send_version()
    assert connection.next_event() is NEED_DATA


def test_a_client_that_asks_for_negotiation_is_told_that_there_is_no_tls() -> None:
    connection = Connection()
    connection.receive_data(_startup(option="ilsrequest_server_negotiation"))
    event = connection.next_event()
    assert isinstance(event, Startup)
    assert (event.option, event.negotiate) == ("ils", True)
    with pytest.raises(LocalProtocolError):
        connection.send_version()
    assert b"CS_NEG_REFUSE" in connection.send_negotiation()
    answer = pack("CS_NEG_PI", {"status": 1, "result": "cs_neg_result_kw=CS_NEG_USE_TCP;"}, Packing.XML)
    connection.receive_data(frame_bytes(Frame("RODS_CS_NEG_T", answer)))
    assert isinstance(connection.next_event(), protocol.Negotiation)
    connection.send_version()


def test_a_client_that_wants_tls_is_gone() -> None:
    connection = Connection()
    connection.receive_data(_startup(option="request_server_negotiation"))
    connection.next_event()
    connection.send_negotiation()
    answer = pack("CS_NEG_PI", {"status": 0, "result": "cs_neg_result_kw=CS_NEG_FAILURE;"}, Packing.XML)
    connection.receive_data(frame_bytes(Frame("RODS_CS_NEG_T", answer)))
    with pytest.raises(RemoteProtocolError, match="TLS"):
        connection.next_event()


def test_before_sign_in_only_sign_in_is_served() -> None:
    connection = Connection()
    connection.receive_data(_startup())
    connection.next_event()
    connection.send_version()
    connection.receive_data(_request(702) + _request(110000, b"x"))
    assert connection.next_event() == Refused(702, -13000)
    assert b"<intInfo>-13000</intInfo>" in connection.send_reply(-13000)
    assert connection.next_event() == ApiRequest(110000, b"x", b"", b"", 0)


def test_a_reply_is_owed_before_the_next_request_is_read() -> None:
    connection = _ready()
    connection.receive_data(_request(700) * 2)
    assert isinstance(connection.next_event(), ApiRequest)
    with pytest.raises(LocalProtocolError):
        connection.next_event()
    connection.send_reply()
    assert isinstance(connection.next_event(), ApiRequest)
    with pytest.raises(LocalProtocolError):
        connection.send_version()


def test_a_long_byte_stream_comes_in_pieces() -> None:
    connection = _ready(FrameLimits(whole_bs=10))
    sent = _request(676, b"msg", b"0123456789abc")
    connection.receive_data(sent[:-5])
    event = connection.next_event()
    assert isinstance(event, ApiRequest)
    assert (event.msg, event.bs_len, event.whole) == (b"msg", 13, False)
    assert connection.next_event() == Data(b"01234567", last=False)
    assert connection.next_event() is NEED_DATA
    connection.receive_data(sent[-5:] + _request(700))
    assert connection.next_event() == Data(b"89abc", last=True)
    connection.send_reply(13)
    assert connection.next_event() == ApiRequest(700, b"", b"", b"", 0)


def test_a_request_answered_before_its_stream_is_in_is_dropped() -> None:
    connection = _ready(FrameLimits(whole_bs=1))
    sent = _request(676, bs=b"x" * 100)
    connection.receive_data(sent[:-50])
    assert isinstance(connection.next_event(), ApiRequest)
    connection.send_reply(-818000)
    assert connection.next_event() is NEED_DATA
    connection.receive_data(sent[-50:] + _request(700))
    assert connection.next_event() == ApiRequest(700, b"", b"", b"", 0)


def test_disconnects() -> None:
    said = _ready()
    said.receive_data(frame_bytes(Frame("RODS_DISCONNECT")))
    assert said.next_event() == Disconnect(orderly=True)
    silent = _ready()
    silent.receive_data(b"")
    assert silent.next_event() == Disconnect(orderly=False)
    cut = _ready()
    cut.receive_data(_request(700)[:-1])
    cut.receive_data(b"")
    with pytest.raises(RemoteProtocolError, match="middle"):
        cut.next_event()


def test_a_heartbeat_is_answered() -> None:
    connection = Connection()
    connection.receive_data(b"\x00\x00\x00\x33<MsgHeader_PI><type>HEARTBEAT</type></MsgHeader_PI>")
    assert connection.next_event() == Ping()
    assert connection.send_pong() == b"HEARTBEAT"


@pytest.mark.parametrize("type_", ["RODS_API_REQ", "RODS_VERSION", "RODS_RECONNECT", "RODS_CS_NEG_T", "NO_SUCH"])
def test_what_may_not_come_first_ends_the_connection(type_: str) -> None:
    connection = Connection()
    connection.receive_data(frame_bytes(Frame(type_)))
    with pytest.raises(RemoteProtocolError):
        connection.next_event()
    assert connection.next_event() == Disconnect(orderly=True)


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\xff\xff\xff\xff",
        b"\0\0\0\0",
        b"\0\0\4\x41" + b"x" * 1089,
        b"\0\0\0\4abcd",
        head_bytes("RODS_CONNECT", msg_len=(4 << 30) - 1),
        head_bytes("RODS_CONNECT", msg_len=-1),
        head_bytes("RODS_CONNECT", bs_len=64 * 1024 + 1),
        head_bytes("RODS_CONNECT", error_len=64 * 1024 + 1),
        head_bytes("rods connect"),
    ],
)
def test_garbage_before_sign_in_is_refused_before_anything_is_kept(data: bytes) -> None:
    connection = Connection()
    tracemalloc.start()
    connection.receive_data(data)
    with pytest.raises(RemoteProtocolError):
        connection.next_event()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20


def test_a_stream_of_a_gigabyte_is_not_kept() -> None:
    connection = _ready()
    connection.receive_data(head_bytes("RODS_API_REQ", int_info=676, bs_len=1 << 30))
    assert isinstance(connection.next_event(), ApiRequest)
    tracemalloc.start()
    piece = bytes(1 << 20)
    for number in range(1, 65):
        connection.receive_data(piece)
        assert connection.next_event() == Data(piece, last=False), number
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 << 20


def test_the_error_stack_holds_what_fits() -> None:
    connection = _ready(irodsProt=0)
    assert protocol.error_stack([], connection.packing) == b""
    stack = unpack("RError_PI", protocol.error_stack([(-1, "why"), (0, "ü" * 600)], connection.packing), Packing.NATIVE)
    assert stack["RErrMsg_PI"][0] == {"status": -1, "msg": "why"}
    assert stack["RErrMsg_PI"][1]["msg"] == "ü" * 511


def test_clients_before_4_2_9_are_known_by_their_release() -> None:
    for release, packing in [
        ("rods4.2.8", Packing.XML_BEFORE_4_2_9),
        ("rods4.2.9", Packing.XML),
        ("rods4.3.0", Packing.XML),
        ("who knows", Packing.XML),
    ]:
        connection = Connection()
        connection.receive_data(_startup(relVersion=release))
        assert isinstance(connection.next_event(), Startup)
        assert connection.packing is packing


def _recorded_sessions() -> list[bytes]:
    """What each recorded client sent on a connection, as one run of bytes."""
    sessions: dict[int, list[bytes]] = {}
    for command in commands():
        for frame in command.frames:
            if frame.sender == "client" and not any(isinstance(part, Cut) for part in (frame.msg, frame.bs)):
                assert isinstance(frame.msg, bytes) and isinstance(frame.bs, bytes)
                sent = Frame(frame.type, frame.msg, bs=frame.bs, int_info=frame.int_info)
                sessions.setdefault(frame.connection, []).append(frame_bytes(sent))
    return [b"".join(frames) for frames in sessions.values()]


def _events(pieces: list[bytes]) -> list[object]:
    connection = Connection()
    events: list[object] = []
    for piece in pieces:
        connection.receive_data(piece)
        while True:
            event = connection.next_event()
            if event is NEED_DATA:
                break
            events.append(event)
            if isinstance(event, Disconnect):
                return events
            if isinstance(event, Startup) and event.negotiate:
                connection.send_negotiation()
            elif isinstance(event, (Startup, protocol.Negotiation)):
                connection.send_version()
            else:
                if isinstance(event, ApiRequest) and event.number == 110000:
                    connection.signed_in()
                connection.send_reply()
    return events


@given(session=st.sampled_from(_recorded_sessions()), data=st.data())
def test_bytes_one_by_one_and_all_at_once_are_the_same(session: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(session)), max_size=20)))
    pieces = [session[start:end] for start, end in zip([0, *cuts], [*cuts, len(session)]) if start < end]
    whole = _events([session])
    assert isinstance(whole[-1], Disconnect)
    assert _events(pieces) == whole


def test_bytes_one_by_one() -> None:
    session = _recorded_sessions()[0]
    assert _events([session[at : at + 1] for at in range(len(session))]) == _events([session])


@given(session=st.sampled_from(_recorded_sessions()), data=st.data())
def test_of_a_damaged_session_only_a_protocol_error_comes(session: bytes, data: st.DataObject) -> None:
    damaged = bytearray(session)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(damaged) - 1))
        damaged[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=6))
    try:
        _events([bytes(damaged)])
    except ProtocolError as error:
        assert isinstance(error, RemoteProtocolError)


@given(data=st.binary(max_size=2000))
def test_of_any_bytes_only_a_protocol_error_comes(data: bytes) -> None:
    reader = FrameReader(UNAUTHENTICATED)
    reader.receive(data)
    try:
        while isinstance(reader.next(), (Frame, Piece)):
            pass
    except RemoteProtocolError:
        pass
