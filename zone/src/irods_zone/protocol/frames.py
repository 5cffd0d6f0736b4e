"""Frames: the envelope of every message of iRODS. Bytes in, frames out; no sockets, and no meaning of a frame.

A frame is four bytes (big-endian) that give the length of its header, the header (`MsgHeader_PI`, always XML), and
three bodies whose lengths the header gives: the message, an error stack, and a byte stream that may be huge. Nothing is
kept or allocated for a length that was only announced; lengths over the limits end the connection.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from irods_zone.protocol.errors import SYS_HEADER_READ_LEN_ERR, RemoteProtocolError

CONNECT = "RODS_CONNECT"
HEARTBEAT = "HEARTBEAT"
NEGOTIATION = "RODS_CS_NEG_T"
VERSION = "RODS_VERSION"
API_REQUEST = "RODS_API_REQ"
API_REPLY = "RODS_API_REPLY"
DISCONNECT = "RODS_DISCONNECT"

# A header is never longer (iRODS reads it into a buffer of this size).
MAX_HEADER = 1088


@dataclass(frozen=True)
class FrameLimits:
    """The longest bodies that a frame may have, in bytes."""

    msg: int = 16 << 20
    error: int = 1 << 20
    bs: int = 1 << 30
    # Up to this size a byte stream comes with its frame; a longer one comes in pieces.
    whole_bs: int = 1 << 20


# Until a user has signed in.
UNAUTHENTICATED = FrameLimits(msg=64 << 10, error=64 << 10, bs=64 << 10)


@dataclass(frozen=True)
class Frame:
    """One frame. `bs_len` bytes of stream belong to it: in `bs` if `whole`, else in the Pieces that follow."""

    type: str
    msg: bytes = b""
    error: bytes = b""
    bs: bytes = b""
    int_info: int = 0
    bs_len: int = 0

    @property
    def whole(self) -> bool:
        """Whether `bs` is complete."""
        return len(self.bs) == self.bs_len


@dataclass(frozen=True)
class Piece:
    """Some bytes of the stream of the frame before; `last` with the last ones."""

    data: bytes
    last: bool


@dataclass(frozen=True)
class _Header:
    type: str
    msg: int
    error: int
    bs: int
    int_info: int


_TAGS = {
    name: re.compile(rb"<%s>(.*?)</%s>" % (name, name), re.DOTALL)
    for name in (b"type", b"msgLen", b"errorLen", b"bsLen", b"intInfo")
}
_NUMBER = re.compile(rb"\s*([+-]?[0-9]{1,10})\s*")
_TYPE = re.compile(rb"[A-Z_]{1,127}")


def _number(header: bytes, tag: bytes) -> int:
    match = _TAGS[tag].search(header)
    if match is None:
        # A heartbeat has only its type.
        return 0
    number = _NUMBER.fullmatch(match.group(1))
    if number is None:
        raise RemoteProtocolError(f"{tag.decode()} in the header is not a number", code=SYS_HEADER_READ_LEN_ERR)
    return int(number.group(1))


def _parse_header(header: bytes) -> _Header:
    found = _TAGS[b"type"].search(header)
    if b"<MsgHeader_PI>" not in header or found is None or not _TYPE.fullmatch(found.group(1)):
        raise RemoteProtocolError("the header is not a MsgHeader_PI", code=SYS_HEADER_READ_LEN_ERR)
    return _Header(
        found.group(1).decode(),
        _number(header, b"msgLen"),
        _number(header, b"errorLen"),
        _number(header, b"bsLen"),
        _number(header, b"intInfo"),
    )


class FrameReader:
    """Cuts a stream of bytes into frames.

    `limits` may be changed at any time; they apply when a header has arrived.
    """

    def __init__(self, limits: FrameLimits = UNAUTHENTICATED) -> None:
        self.limits = limits
        self._buffer = bytearray()
        self._header: _Header | None = None
        # Bytes of the current frame's stream that are still to come, as Pieces.
        self._streaming = 0

    def receive(self, data: bytes) -> None:
        """Take bytes from a socket."""
        self._buffer += data

    @property
    def idle(self) -> bool:
        """Whether the other side is between two frames."""
        return not self._buffer and self._header is None and not self._streaming

    def next(self) -> Frame | Piece | None:
        """The next frame or piece; None if more bytes are needed. RemoteProtocolError if the bytes are not a frame."""
        if self._streaming:
            return self._piece()
        header = self._header or self._read_header()
        if header is None:
            return None
        whole = header.bs <= self.limits.whole_bs
        needed = header.msg + header.error + (header.bs if whole else 0)
        if len(self._buffer) < needed:
            return None
        self._header = None
        body = self._take(needed)
        error_at, bs_at = header.msg, header.msg + header.error
        if not whole:
            self._streaming = header.bs
        return Frame(header.type, body[:error_at], body[error_at:bs_at], body[bs_at:], header.int_info, header.bs)

    def _read_header(self) -> _Header | None:
        if len(self._buffer) < 4:
            return None
        (length,) = struct.unpack_from(">i", self._buffer)
        if not 0 < length <= MAX_HEADER:
            raise RemoteProtocolError(f"a header of {length} bytes", code=SYS_HEADER_READ_LEN_ERR)
        if len(self._buffer) < 4 + length:
            return None
        header = _parse_header(self._take(4 + length)[4:])
        limits = self.limits
        for name, claimed, limit in (
            ("message", header.msg, limits.msg),
            ("error stack", header.error, limits.error),
            ("byte stream", header.bs, limits.bs),
        ):
            if not 0 <= claimed <= limit:
                raise RemoteProtocolError(
                    f"a {header.type} with a {name} of {claimed} bytes, at most {limit} are taken",
                    code=SYS_HEADER_READ_LEN_ERR,
                )
        self._header = header
        return header

    def _piece(self) -> Piece | None:
        if not self._buffer:
            return None
        data = self._take(min(len(self._buffer), self._streaming))
        self._streaming -= len(data)
        return Piece(data, last=not self._streaming)

    def _take(self, size: int) -> bytes:
        data = bytes(memoryview(self._buffer)[:size])
        del self._buffer[:size]
        return data


def head_bytes(type_: str, *, int_info: int = 0, msg_len: int = 0, error_len: int = 0, bs_len: int = 0) -> bytes:
    """The length and the header of a frame."""
    header = (
        f"<MsgHeader_PI>\n<type>{type_}</type>\n<msgLen>{msg_len}</msgLen>\n<errorLen>{error_len}</errorLen>\n"
        f"<bsLen>{bs_len}</bsLen>\n<intInfo>{int_info}</intInfo>\n</MsgHeader_PI>\n"
    ).encode()
    return struct.pack(">i", len(header)) + header


def frame_bytes(frame: Frame) -> bytes:
    """The bytes of a frame."""
    head = head_bytes(
        frame.type,
        int_info=frame.int_info,
        msg_len=len(frame.msg),
        error_len=len(frame.error),
        bs_len=len(frame.bs),
    )
    return b"".join((head, frame.msg, frame.error, frame.bs))
