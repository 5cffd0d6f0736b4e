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

from dataclasses import dataclass
from typing import Any

from irods_zone.api.calls import CALLS
from irods_zone.client_connection import ClientConnection
from irods_zone.protocol.packing import Packing, pack, unpack


@dataclass(frozen=True)
class Answer:
    """The answer to a call: its status, its output record if there is one, the texts of its error stack, its bytes."""

    status: int
    output: Any
    errors: list[str]
    data: bytes


class RawClient(ClientConnection):
    """One connection of a user; signed in, unless `signed_in` is False. ConnectionError if the server ends it.

    client: the user for whom an administrator acts, if it is another one.
    """

    def __init__(
        self,
        host: str,
        port: int,
        packing: Packing = Packing.NATIVE,
        *,
        user: str = "rods",
        password: str = "rods",  # noqa: S107 - the password of every test zone
        zone: str = "tempZone",
        client: str = "",
        option: str = "",
        signed_in: bool = True,
    ) -> None:
        super().__init__(host, port, packing, user=user, zone=zone, client=client, option=option)
        if signed_in:
            self.start()
            status = self.sign_in(password)
            if status:
                raise ConnectionError(f"the server refused to sign in {user}: {status}")

    def call(self, number: int, record: Any = None, data: bytes = b"") -> Answer:
        """Make a call that the zone serves, and take its reply; fields missing in the record are empty."""
        api = CALLS[number]
        message = pack(api.input, record or {}, self.packing) if api.input else b""
        frame = self.request(number, message, data)
        output = unpack(api.output, frame.msg, self.packing) if api.output and frame.msg else None
        stack = unpack("RError_PI", frame.error, self.packing)["RErrMsg_PI"] if frame.error else []
        return Answer(frame.int_info, output, [entry["msg"] for entry in stack], frame.bs)
