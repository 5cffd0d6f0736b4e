"""The server's side of one iRODS connection: bytes in, events out; `send_…` gives the bytes to send. No sockets.

`_EXPECTED` alone decides which message may come when. A client connects, may ask for a negotiation about TLS (which
this server refuses, as a server without TLS does), gets the server's version, signs in, and then sends one request
after the other. Each request needs one reply.

    while True:
        event = connection.next_event()
        if event is NEED_DATA:
            connection.receive_data(sock.recv(1 << 16))
        elif isinstance(event, ApiRequest):
            sock.sendall(connection.send_reply(status, message))
        …
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Union

from irods_zone.protocol import frames
from irods_zone.protocol.errors import SYS_HEADER_TYPE_LEN_ERR, SYS_NO_API_PRIV, LocalProtocolError, RemoteProtocolError
from irods_zone.protocol.frames import UNAUTHENTICATED, Frame, FrameLimits, FrameReader, Piece, head_bytes
from irods_zone.protocol.packing import Packing, pack, unpack

# The version that this server reports.
RELEASE = "rods5.0.2"
API_VERSION = "d"
# iRODS sends this number to every client since 4.x.
COOKIE = 400

AUTHENTICATE = 110000
SERVER_INFO = 700
# The requests that a client may make before it has signed in.
BEFORE_SIGN_IN = frozenset({AUTHENTICATE, SERVER_INFO})

# The end of StartupPack_PI's option if the client wants to negotiate.
_NEGOTIATE = "request_server_negotiation"
# Since this release &apos; stands for an apostrophe in XML.
_APOSTROPHE_SINCE = (4, 2, 9)


class NeedData:
    """Nothing to report until more bytes arrive."""

    def __repr__(self) -> str:
        return "NEED_DATA"


NEED_DATA = NeedData()


@dataclass(frozen=True)
class Startup:
    """A client has connected. Answer with send_negotiation() if `negotiate`, else with send_version()."""

    packing: Packing
    proxy_user: str
    client_user: str
    client_zone: str
    # The client program's name.
    option: str
    negotiate: bool


@dataclass(frozen=True)
class Negotiation:
    """The client has accepted to go on without TLS. Answer with send_version()."""

    result: str


@dataclass(frozen=True)
class ApiRequest:
    """A request. If `bs` is shorter than `bs_len`, the byte stream follows in Data events. Answer with send_reply()."""

    number: int
    msg: bytes
    error: bytes
    bs: bytes
    bs_len: int

    @property
    def whole(self) -> bool:
        """Whether `bs` is complete; if not, Data events follow."""
        return len(self.bs) == self.bs_len


@dataclass(frozen=True)
class Data:
    """The next bytes of the last request's byte stream."""

    data: bytes
    last: bool


@dataclass(frozen=True)
class Refused:
    """A request that is not allowed before sign-in. Answer with send_reply(code)."""

    number: int
    code: int


@dataclass(frozen=True)
class Ping:
    """A client checks whether the server is alive. Answer with send_pong() and close."""


@dataclass(frozen=True)
class Disconnect:
    """The client has left; `orderly` if it said so. Close."""

    orderly: bool


ProtocolEvent = Union[Startup, Negotiation, ApiRequest, Data, Refused, Ping, Disconnect, NeedData]


class State(Enum):
    """The next step."""

    # The client speaks:
    CONNECT = auto()
    NEGOTIATE = auto()
    REQUEST = auto()
    STREAM = auto()
    # The server speaks:
    OFFER = auto()
    VERSION = auto()
    PONG = auto()
    REPLY = auto()
    CLOSED = auto()


# The frames that may come in each state, and the next state after each.
_EXPECTED: dict[tuple[State, str], str] = {
    (State.CONNECT, frames.CONNECT): "_on_connect",
    (State.CONNECT, frames.HEARTBEAT): "_on_heartbeat",
    (State.NEGOTIATE, frames.NEGOTIATION): "_on_negotiation",
    (State.REQUEST, frames.API_REQUEST): "_on_request",
    (State.REQUEST, frames.DISCONNECT): "_on_disconnect",
    (State.NEGOTIATE, frames.DISCONNECT): "_on_disconnect",
}

_CLIENT_SPEAKS = frozenset({State.CONNECT, State.NEGOTIATE, State.REQUEST, State.STREAM})


class Connection:
    """One client's connection. RemoteProtocolError from next_event() ends it; then it cannot be used any more."""

    def __init__(self, limits: FrameLimits | None = None) -> None:
        self.state = State.CONNECT
        self.packing = Packing.XML
        self._reader = FrameReader(UNAUTHENTICATED)
        self._limits = limits or FrameLimits()
        self._is_signed_in = False
        self._end_of_input = False
        # Answered before its stream had arrived: the rest is dropped on arrival.
        self._dropping = False

    # --- What comes in ---

    def receive_data(self, data: bytes) -> None:
        """Take bytes from the socket; b"" is its end."""
        if data:
            self._reader.receive(data)
        else:
            self._end_of_input = True

    def next_event(self) -> ProtocolEvent:
        """The next event, or NEED_DATA. RemoteProtocolError for bytes that no iRODS client sends."""
        if self.state is State.CLOSED:
            return Disconnect(orderly=True)
        if self.state not in _CLIENT_SPEAKS:
            raise LocalProtocolError(f"the client is owed an answer ({self.state.name})")
        try:
            return self._next_event()
        except RemoteProtocolError:
            self.state = State.CLOSED
            raise

    def _next_event(self) -> ProtocolEvent:
        while True:
            item = self._reader.next()
            if item is None:
                return self._out_of_data()
            if isinstance(item, Frame):
                return self._on_frame(item)
            if not self._dropping:
                return self._on_piece(item)
            self._dropping = not item.last

    def _out_of_data(self) -> ProtocolEvent:
        if not self._end_of_input:
            return NEED_DATA
        if not self._reader.idle:
            raise RemoteProtocolError("the client stopped in the middle of a message")
        self.state = State.CLOSED
        return Disconnect(orderly=False)

    def _on_frame(self, frame: Frame) -> ProtocolEvent:
        handler = _EXPECTED.get((self.state, frame.type))
        if handler is None:
            raise RemoteProtocolError(
                f"{frame.type} is not expected now ({self.state.name})", code=SYS_HEADER_TYPE_LEN_ERR
            )
        event: ProtocolEvent = getattr(self, handler)(frame)
        return event

    def _on_piece(self, piece: Piece) -> ProtocolEvent:
        if piece.last:
            self.state = State.REPLY
        return Data(piece.data, piece.last)

    def _on_connect(self, frame: Frame) -> ProtocolEvent:
        start = unpack("StartupPack_PI", frame.msg, Packing.XML)
        option: str = start["option"]
        negotiate = option.endswith(_NEGOTIATE)
        self.packing = _packing(start["irodsProt"], start["relVersion"])
        self.state = State.OFFER if negotiate else State.VERSION
        return Startup(
            self.packing,
            start["proxyUser"],
            start["clientUser"],
            start["clientRcatZone"],
            option[: -len(_NEGOTIATE)] if negotiate else option,
            negotiate,
        )

    def _on_heartbeat(self, frame: Frame) -> ProtocolEvent:
        self.state = State.PONG
        return Ping()

    def _on_negotiation(self, frame: Frame) -> ProtocolEvent:
        result: str = unpack("CS_NEG_PI", frame.msg, Packing.XML)["result"]
        if "CS_NEG_USE_TCP" not in result:
            raise RemoteProtocolError(f"the client wants TLS, which is not served ({result})")
        self.state = State.VERSION
        return Negotiation(result)

    def _on_request(self, frame: Frame) -> ProtocolEvent:
        if not self._is_signed_in and frame.int_info not in BEFORE_SIGN_IN:
            self.state = State.REPLY
            return Refused(frame.int_info, SYS_NO_API_PRIV)
        self.state = State.REPLY if frame.whole else State.STREAM
        return ApiRequest(frame.int_info, frame.msg, frame.error, frame.bs, frame.bs_len)

    def _on_disconnect(self, frame: Frame) -> ProtocolEvent:
        self.state = State.CLOSED
        return Disconnect(orderly=True)

    # --- What goes out ---

    def send_negotiation(self) -> bytes:
        """Decline TLS."""
        self._leave(State.OFFER, State.NEGOTIATE)
        msg = pack("CS_NEG_PI", {"status": 1, "result": "CS_NEG_REFUSE"}, Packing.XML)
        return _joined(frames.NEGOTIATION, msg=msg)

    def send_version(self, status: int = 0) -> bytes:
        """Send the server's version. With a negative status: refuse this client, and close."""
        if status >= 0:
            self._leave(State.VERSION, State.REQUEST)
        else:
            self.state = State.CLOSED
        version = {"status": status, "relVersion": RELEASE, "apiVersion": API_VERSION, "cookie": COOKIE}
        return _joined(frames.VERSION, msg=pack("Version_PI", version, Packing.XML))

    def send_pong(self) -> bytes:
        """Show that the server is alive."""
        self._leave(State.PONG, State.CLOSED)
        return frames.HEARTBEAT.encode()

    def send_reply(self, int_info: int = 0, msg: bytes = b"") -> bytes:
        """Answer the request, without a stream of bytes."""
        return self.send_reply_head(int_info, msg)

    def send_reply_head(self, int_info: int = 0, msg: bytes = b"", error: bytes = b"", bs_len: int = 0) -> bytes:
        """Answer the request; the caller sends `bs_len` bytes of stream after this (os.sendfile, say)."""
        if self.state is State.STREAM:
            self._dropping = True
            self.state = State.REPLY
        self._leave(State.REPLY, State.REQUEST)
        return _joined(frames.API_REPLY, int_info=int_info, msg=msg, error=error, bs_len=bs_len)

    @property
    def between_messages(self) -> bool:
        """Whether the client has sent nothing of its next message yet."""
        return self._reader.idle

    def signed_in(self) -> None:
        """The client has proved its identity: now every request is allowed, also long ones."""
        self._is_signed_in = True
        self._reader.limits = self._limits

    def _leave(self, state: State, after: State) -> None:
        if self.state is not state:
            raise LocalProtocolError(f"this cannot be sent now: {self.state.name}, not {state.name}")
        self.state = after


def error_stack(errors: Sequence[tuple[int, str]], packing: Packing) -> bytes:
    """(status, text) pairs as the error part of a reply, long texts cut. b"" if there are none."""
    if not errors:
        return b""
    rows = [{"status": status, "msg": _cut(text, 1023)} for status, text in errors]
    return pack("RError_PI", {"count": len(rows), "RErrMsg_PI": rows}, packing)


def _joined(type_: str, *, int_info: int = 0, msg: bytes = b"", error: bytes = b"", bs_len: int = 0) -> bytes:
    head = head_bytes(type_, int_info=int_info, msg_len=len(msg), error_len=len(error), bs_len=bs_len)
    return b"".join((head, msg, error))


def _cut(text: str, room: int) -> str:
    """As much of a text as fits, without NUL bytes and broken characters."""
    data = text.replace("\0", "").encode("utf-8", "surrogateescape")
    return text.replace("\0", "") if len(data) <= room else data[:room].decode("utf-8", "ignore")


def _packing(protocol: int, release: str) -> Packing:
    if protocol == 0:
        return Packing.NATIVE
    if protocol != 1:
        raise RemoteProtocolError(f"irodsProt {protocol} is neither native (0) nor XML (1)")
    version = re.fullmatch(r"rods(\d{1,4})\.(\d{1,4})\.(\d{1,4})", release)
    if version is None or tuple(int(part) for part in version.groups()) >= _APOSTROPHE_SINCE:
        return Packing.XML
    return Packing.XML_BEFORE_4_2_9
