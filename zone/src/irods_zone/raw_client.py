"""A client that sends any message, right or wrong: for tests of servers, of rules, and of what rules refuse.

python-irodsclient and iCommands send only right messages. `RawClient` makes any API request in either packing, with a
record field by field or with arbitrary bytes, before and after sign-in, and shows all of the answer: the status, the
output, the texts that a terminal would show, and the bytes. `call` knows the layouts of the calls that the zone serves;
`request` and `send` know no layouts, and so reach every call of every server, also of a real one.

    client = RawClient("127.0.0.1", 1247)
    reply = client.call(633, {"objPath": "/tempZone/home/rods", "KeyValPair_PI": {}})
    assert (reply.status, reply.errors) == (2, [])
    client.close()

It is not for production: no TLS, native sign-in only, one connection, and a limit of seconds on every wait.
"""

from __future__ import annotations

import base64
import socket
from dataclasses import dataclass
from typing import Any

from irods_zone.api.calls import CALLS
from irods_zone.protocol import auth, frames
from irods_zone.protocol.frames import Frame, FrameLimits, FrameReader, frame_bytes
from irods_zone.protocol.packing import Packing, pack, unpack

TIMEOUT_SECONDS = 30.0
_RECEIVE = 1 << 20
_WHOLE_STREAM = FrameLimits(whole_bs=1 << 30)


@dataclass(frozen=True)
class Answer:
    """The answer to a call: its status, its output record if there is one, the texts of its error stack, its bytes."""

    status: int
    output: Any
    errors: list[str]
    data: bytes


class RawClient:
    """One connection of a user; signed in, unless `signed_in` is False. ConnectionError if the server ends it."""

    def __init__(
        self,
        host: str,
        port: int,
        packing: Packing = Packing.NATIVE,
        *,
        user: str = "rods",
        password: str = "rods",  # noqa: S107 - the password of every test zone
        zone: str = "tempZone",
        option: str = "",
        signed_in: bool = True,
    ) -> None:
        self.packing = packing
        self.user = user
        self.zone = zone
        self.option = option
        self.socket = socket.create_connection((host, port), timeout=TIMEOUT_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = FrameReader(_WHOLE_STREAM)
        if signed_in:
            self.start()
            status = self.sign_in(password)
            if status:
                raise ConnectionError(f"the server refused to sign in {user}: {status}")

    def start(self) -> Frame:
        """Send the startup message, which names the client program (`option`), and take the server's version."""
        startup = {
            "irodsProt": int(self.packing is not Packing.NATIVE),
            "proxyUser": self.user,
            "proxyRcatZone": self.zone,
            "clientUser": self.user,
            "clientRcatZone": self.zone,
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

    def call(self, number: int, record: Any = None, data: bytes = b"") -> Answer:
        """Make a call that the zone serves, and take its reply; fields missing in the record are empty."""
        api = CALLS[number]
        message = pack(api.input, record or {}, self.packing) if api.input else b""
        frame = self.request(number, message, data)
        output = unpack(api.output, frame.msg, self.packing) if api.output and frame.msg else None
        stack = unpack("RError_PI", frame.error, self.packing)["RErrMsg_PI"] if frame.error else []
        return Answer(frame.int_info, output, [entry["msg"] for entry in stack], frame.bs)

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

    def close(self) -> None:
        """Say goodbye and wait for the server's end of the connection: hooks may run after the last reply."""
        self.send(frames.DISCONNECT)
        while self.socket.recv(_RECEIVE):
            pass
        self.socket.close()

    def drop(self) -> None:
        """Leave without a goodbye."""
        self.socket.close()
