"""A client for tests that sends whatever it is told to, right or wrong."""

from __future__ import annotations

import base64
import socket
from typing import Any

from irods_zone.protocol import auth
from irods_zone.protocol.frames import Frame, FrameReader, Limits, frame_bytes
from irods_zone.protocol.packing import Packing, pack

PATIENCE = 20.0


class Client:
    """A signed-in connection in either packing; `raw` leaves out everything after the TCP connection."""

    def __init__(
        self, host: str, port: int, packing: Packing = Packing.XML, user: str = "rods", *, raw: bool = False
    ) -> None:
        self.packing = packing
        self.socket = socket.create_connection((host, port), timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = FrameReader(Limits(whole_bs=1 << 30))
        if not raw:
            self.connect(user)
            self.sign_in(user, "rods")

    def connect(self, user: str) -> Frame:
        """Send the startup message and take the version."""
        start: dict[str, Any] = {"irodsProt": int(self.packing is not Packing.NATIVE), "relVersion": "rods5.0.2"}
        start |= {"proxyUser": user, "clientUser": user, "proxyRcatZone": "tempZone", "clientRcatZone": "tempZone"}
        self.send("RODS_CONNECT", pack("StartupPack_PI", start, Packing.XML))
        return self.read()

    def sign_in(self, user: str, password: str) -> int:
        """Sign in; the status."""
        message: dict[str, Any] = {"scheme": "native", "next_operation": auth.REQUEST}
        message |= {"user_name": user, "zone_name": "tempZone"}
        reply = self.call(110000, auth.write_message(message, self.packing))
        message = auth.read_message(reply.msg, self.packing)
        message["next_operation"] = auth.RESPONSE
        message["digest"] = base64.b64encode(auth.digest(message["request_result"], password)).decode()
        return self.call(110000, auth.write_message(message, self.packing)).int_info

    def send(self, type_: str, msg: bytes = b"", bs: bytes = b"", int_info: int = 0) -> None:
        """Send one frame."""
        self.socket.sendall(frame_bytes(Frame(type_, msg, bs=bs, int_info=int_info)))

    def read(self) -> Frame:
        """Take one frame; EOFError if the server has closed the connection."""
        while True:
            frame = self._reader.next()
            if isinstance(frame, Frame):
                return frame
            data = self.socket.recv(1 << 16)
            if not data:
                raise EOFError
            self._reader.receive(data)

    def call(self, number: int, msg: bytes = b"", bs: bytes = b"") -> Frame:
        """Make a request and take its reply."""
        self.send("RODS_API_REQ", msg, bs, number)
        return self.read()

    def close(self) -> None:
        """Leave without a word."""
        self.socket.close()
