"""The client's side of one connection: signs in, sends requests, takes replies. It knows no call and no catalog.

Servers reach each other with it, and `raw_client` is built on it. Native sign-in only, no TLS.
"""

from __future__ import annotations

import base64
import contextlib
import select
import socket
from typing import Any

from irods_zone.protocol import auth, frames
from irods_zone.protocol.frames import Frame, FrameLimits, FrameReader, frame_bytes
from irods_zone.protocol.packing import Packing, pack

TIMEOUT_SECONDS = 30.0
_RECEIVE = 1 << 20
_WHOLE_STREAM = FrameLimits(whole_bs=1 << 30)


class ClientConnection:
    """A connection to a server. `user` signs in, and acts for `client` if that is another user.

    OSError if there is no server; ConnectionError if it ends the connection.
    """

    def __init__(
        self,
        host: str,
        port: int,
        packing: Packing = Packing.NATIVE,
        *,
        user: str,
        zone: str,
        client: str = "",
        client_zone: str = "",
        option: str = "",
        source: str = "",
    ) -> None:
        self.packing = packing
        self.user = user
        self.zone = zone
        self.client = client or user
        self.client_zone = client_zone or zone
        self.option = option
        own_address = (source, 0) if source else None
        self.socket = socket.create_connection((host, port), timeout=TIMEOUT_SECONDS, source_address=own_address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = FrameReader(_WHOLE_STREAM)

    def start(self) -> Frame:
        """Send the startup message, which names the client program (`option`), and take the server's version."""
        startup = {
            "irodsProt": int(self.packing is not Packing.NATIVE),
            "proxyUser": self.user,
            "proxyRcatZone": self.zone,
            "clientUser": self.client,
            "clientRcatZone": self.client_zone,
            "relVersion": "rods5.0.2",
            "apiVersion": "d",
            "option": self.option,
        }
        self.send(frames.CONNECT, pack("StartupPack_PI", startup, Packing.XML))
        return self.read()

    def sign_in(self, password: str) -> int:
        """Sign in by the native scheme. Returns the status."""
        message: dict[str, Any] = {"scheme": auth.NATIVE, "user_name": self.user, "zone_name": self.zone}
        request = auth.write_message({**message, "next_operation": auth.REQUEST}, self.packing)
        message = auth.read_message(self.request(110000, request).msg, self.packing)
        digest = base64.b64encode(auth.digest(message["request_result"], password)).decode()
        response = auth.write_message({**message, "next_operation": auth.RESPONSE, "digest": digest}, self.packing)
        return self.request(110000, response).int_info

    def request(self, number: int, message: bytes = b"", data: bytes = b"") -> Frame:
        """Make any API request, and take its reply."""
        self.send(frames.API_REQUEST, message, number, data)
        return self.read()

    def send(self, type_: str, message: bytes = b"", number: int = 0, data: bytes = b"") -> None:
        """Send one frame."""
        self.socket.sendall(frame_bytes(Frame(type_, message, b"", data, number, len(data))))

    def read(self) -> Frame:
        """Take one frame."""
        while True:
            frame = self._reader.next()
            if isinstance(frame, Frame):
                return frame
            data = self.socket.recv(_RECEIVE)
            if not data:
                raise ConnectionError("the server ended the connection")
            self._reader.receive(data)

    @property
    def is_open(self) -> bool:
        """Whether the server, which owes no answer, has not ended the connection."""
        return not select.select([self.socket], [], [], 0)[0]

    def close(self) -> None:
        """Say goodbye and wait for the server's end of the connection: hooks may run after the last reply."""
        self.send(frames.DISCONNECT)
        while self.socket.recv(_RECEIVE):
            pass
        self.socket.close()

    def drop(self) -> None:
        """Leave without a goodbye."""
        with contextlib.suppress(OSError):
            self.socket.close()
