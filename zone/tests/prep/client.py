"""A client for tests that sends any API request, so that what a C client did can be done again field by field."""

from __future__ import annotations

import base64
import socket
from dataclasses import dataclass
from typing import Any

from irods_zone.api.calls import CALLS
from irods_zone.protocol import auth
from irods_zone.protocol.frames import Frame, FrameReader, Limits, Piece, frame_bytes
from irods_zone.protocol.packing import Packing, pack, unpack


@dataclass(frozen=True)
class Reply:
    """What the server answered: status, output record, error stack, byte stream."""

    status: int
    output: Any
    errors: list[str]
    data: bytes


class RawClient:
    """One connection, signed in."""

    def __init__(
        self,
        port: int,
        *,
        option: str,
        packing: Packing = Packing.NATIVE,
        user: str = "rods",
        password: str = "rods",
        zone: str = "tempZone",
    ) -> None:
        self.packing = packing
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._reader = FrameReader(Limits())
        startup = {
            "irodsProt": int(packing is not Packing.NATIVE),
            "proxyUser": user,
            "proxyRcatZone": zone,
            "clientUser": user,
            "clientRcatZone": zone,
            "relVersion": "rods5.0.2",
            "apiVersion": "d",
            "option": option,
        }
        self._send("RODS_CONNECT", pack("StartupPack_PI", startup, Packing.XML))
        assert self._receive().type == "RODS_VERSION"
        base = {"scheme": "native", "user_name": user, "zone_name": zone}
        asked = self._sign_in({**base, "next_operation": auth.REQUEST})
        digest = base64.b64encode(auth.digest(asked["request_result"], password)).decode()
        self._sign_in({**asked, "next_operation": auth.RESPONSE, "digest": digest})

    def call(self, number: int, record: Any = None, data: bytes = b"") -> Reply:
        """Send a request and wait for its reply."""
        api = CALLS[number]
        message = pack(api.input, record or {}, self.packing) if api.input else b""
        self._send("RODS_API_REQ", message, number, data)
        frame = self._receive()
        output = unpack(api.output, frame.msg, self.packing) if api.output and frame.msg else None
        errors = []
        if frame.error:
            errors = [entry["msg"] for entry in unpack("RError_PI", frame.error, self.packing)["RErrMsg_PI"]]
        return Reply(frame.int_info, output, errors, frame.bs)

    def close(self) -> None:
        """Say goodbye and wait for the server's end of the connection: hooks may run after the last reply."""
        self._send("RODS_DISCONNECT")
        while self._socket.recv(1 << 16):
            pass
        self._socket.close()

    def _sign_in(self, message: dict[str, Any]) -> dict[str, Any]:
        self._send("RODS_API_REQ", auth.write_message(message, self.packing), 110000)
        frame = self._receive()
        assert frame.int_info == 0, frame.int_info
        return auth.read_message(frame.msg, self.packing)

    def _send(self, kind: str, message: bytes = b"", number: int = 0, data: bytes = b"") -> None:
        self._socket.sendall(frame_bytes(Frame(kind, message, b"", data, number, len(data))))

    def _receive(self) -> Frame:
        frame: Frame | None = None
        data = bytearray()
        while True:
            found = self._reader.next()
            if isinstance(found, Frame):
                frame = found
                data += found.bs
            elif isinstance(found, Piece):
                data += found.data
            else:
                received = self._socket.recv(1 << 20)
                if not received:
                    raise ConnectionError("the server ended the connection")
                self._reader.receive(received)
                continue
            if frame is not None and len(data) == frame.bs_len:
                return Frame(frame.type, frame.msg, frame.error, bytes(data), frame.int_info, frame.bs_len)
