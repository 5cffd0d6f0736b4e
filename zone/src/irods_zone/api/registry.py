"""The served API calls as a table: number -> name, layouts, handler. This module decides nothing.

Handlers are in the other modules of this folder, all of which `calls` imports. Each turns a decoded message into a call
of irods_zone.operations (rule text: irods_zone.prep) and the result into a Reply. No handler checks permissions or
fires a policy point of its own: operations do, and the dispatcher fires the points around the call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Union

from irods_zone.errors import IrodsError
from irods_zone.session import Session

Record = dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """The reply: the status (`intInfo`), the output structure's record, and the bytes after it."""

    status: int = 0
    output: Mapping[str, Any] | None = None
    data: bytes | memoryview = b""


class Stream:
    """Bytes of a request that do not fit into memory: read once, in pieces, while the call runs."""

    def __init__(self, size: int, pieces: Iterator[bytes]) -> None:
        self.size = size
        self.pieces = pieces


class FailureWithOutputError(IrodsError):
    """A failure whose reply still carries an output structure."""

    def __init__(self, code: int, output: Record, message: str = "") -> None:
        super().__init__(code, message)
        self.output = output


class ConnectionOverError(Exception):
    """The connection ended in the middle of a call: there is no client to answer."""


class NoReply:
    """The result of a handler that has answered already."""


NO_REPLY = NoReply()


@dataclass
class Call:
    """One request: the decoded message, which handlers may extend as a real server extends it, and its bytes.

    `branch` sends a reply in the middle of the call and serves the client's requests until it says that the transfer is
    complete (API 626).
    """

    record: Record
    data: bytes | Stream = b""
    branch: Callable[[Reply], None] = field(default=lambda _: None)

    @property
    def pieces(self) -> bytes | Iterator[bytes]:
        """The request's bytes, whole or in pieces."""
        return self.data.pieces if isinstance(self.data, Stream) else self.data


Result = Union[Reply, NoReply, int, None]
Handler = Callable[[Session, Call], Result]


@dataclass(frozen=True)
class ApiCall:
    """A served API call. `arguments` are what policy points see: input, data (bytes in), output, output_data.

    For other users, nothing of an administrators' call runs, not even a policy point. The same goes for a call of the
    zone's servers: there an administrator has signed in, but may act for another user.
    """

    number: int
    name: str
    input: str | None
    output: str | None
    arguments: tuple[str, ...]
    handler: Handler
    admins_only: bool = False
    servers_only: bool = False

    def may_call(self, session: Session) -> bool:
        """Whether the session's user may make this call at all."""
        needs_admin = self.admins_only or self.servers_only
        return (session.proxy.is_admin or not needs_admin) and (session.client.is_admin or not self.admins_only)


CALLS: dict[int, ApiCall] = {}


def serve(
    number: int,
    name: str,
    input: str | None = None,
    output: str | None = None,
    *,
    arguments: str = "",
    admins_only: bool = False,
    servers_only: bool = False,
) -> Callable[[Handler], Handler]:
    """Enters a handler into the table. `arguments` defaults to the input and, if there is one, the output."""

    def enter(handler: Handler) -> Handler:
        shape = tuple(arguments.split()) or (("input",) if input else ()) + (("output",) if output else ())
        CALLS[number] = ApiCall(number, name, input, output, shape, handler, admins_only, servers_only)
        return handler

    return enter
