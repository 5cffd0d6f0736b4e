"""Runs one API call: decodes its message, passes the policy points around it, and encodes the result.

Every error in a call becomes a status for the client; only a broken connection ends an agent.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from irods_zone import errors
from irods_zone.api.calls import CALLS
from irods_zone.api.registry import (
    ApiCall,
    Call,
    ConnectionOverError,
    FailureWithOutputError,
    NoReply,
    Reply,
    Stream,
)
from irods_zone.errors import IrodsError
from irods_zone.policy import OperationSkipped
from irods_zone.protocol.connection import error_stack
from irods_zone.protocol.errors import LocalProtocolError, ProtocolError
from irods_zone.protocol.packing import Packing, pack, unpack
from irods_zone.session import Session


@dataclass(frozen=True)
class PackedReply:
    """A reply in the client's packing."""

    status: int
    message: bytes = b""
    error: bytes = b""
    data: bytes | memoryview = b""


class Dispatcher:
    """Serves the API calls of one session. `send` puts an Answer on the wire; `serve_branch` serves requests in the
    middle of a call until its transfer is complete.
    """

    def __init__(
        self, session: Session, packing: Packing, send: Callable[[PackedReply], None], serve_branch: Callable[[], None]
    ) -> None:
        self._session = session
        self._packing = packing
        self._send = send
        self._serve_branch = serve_branch

    def run(self, number: int, message: bytes, data: bytes | Stream) -> None:
        """Serves one request and sends its reply."""
        api = CALLS.get(number)
        if api is None:
            self._session.log.warning("API %d is not served here", number)
            self._send(PackedReply(errors.SYS_UNMATCHED_API_NUM))
            return
        session = self._session
        if not api.may_call(session):
            self._send(PackedReply(errors.SYS_NO_API_PRIV))
            return
        session.api_number, session.api_name = number, api.name
        session.error_stack.clear()
        session.rule_stdout.clear()
        session.rule_stderr.clear()
        try:
            result = self._call(api, message, data)
        except (ConnectionOverError, ConnectionError):
            raise
        except IrodsError as error:
            self._send(
                self._packed(
                    api, Reply(error.code, error.output if isinstance(error, FailureWithOutputError) else None)
                )
            )
            return
        except ProtocolError as error:
            session.log.warning("%s: a message that cannot be read: %s", api.name, error)
            self._send(PackedReply(error.code, error=self._errors()))
            return
        except Exception:
            session.log.exception("%s failed", api.name)
            self._send(PackedReply(errors.SYS_INTERNAL_ERR, error=self._errors()))
            return
        if not isinstance(result, NoReply):
            self._send(self._packed(api, result))

    def _call(self, api: ApiCall, message: bytes, data: bytes | Stream) -> Reply | NoReply:
        session = self._session
        call = Call(unpack(api.input, message, self._packing) if api.input else {}, data)
        outcome = Reply()

        def branch(reply: Reply) -> None:
            nonlocal outcome
            outcome = reply
            self._send(self._packed(api, reply))
            self._serve_branch()
            session.api_number, session.api_name = api.number, api.name

        call.branch = branch
        policy = session.policy
        try:
            result: Reply | NoReply | int | None = None
            with contextlib.suppress(OperationSkipped):
                policy.api(api.name, "pre", _arguments(api, call, None))
                result = api.handler(session, call)
            if result is None or isinstance(result, int):
                result = Reply(result or 0)
            if isinstance(result, Reply):
                outcome = result
            arguments = _arguments(api, call, outcome)
            policy.api(api.name, "post", arguments)
        except Exception:
            self._after(api, "except", call, None)
            raise
        finally:
            self._after(api, "finally", call, outcome)
        return result

    def _after(self, api: ApiCall, phase: str, call: Call, reply: Reply | None) -> None:
        """Passes the points that cannot change the result of a call; logs a failure in one."""
        try:
            self._session.policy.api(api.name, phase, _arguments(api, call, reply))
        except IrodsError as error:
            self._session.log.error("pep_api_%s_%s failed: %s", api.name, phase, error)

    def _packed(self, api: ApiCall, reply: Reply) -> PackedReply:
        try:
            message = pack(api.output, reply.output, self._packing) if api.output and reply.output is not None else b""
        except LocalProtocolError as error:
            self._session.log.error("%s: the answer cannot be written: %s", api.name, error)
            return PackedReply(errors.SYS_INTERNAL_ERR, error=self._errors())
        return PackedReply(reply.status, message, self._errors(), reply.data)

    def _errors(self) -> bytes:
        packed = error_stack(self._session.error_stack, self._packing)
        self._session.error_stack.clear()
        return packed


def _arguments(api: ApiCall, call: Call, reply: Reply | None) -> list[tuple[str, Any] | None]:
    """The arguments that policy points see of a call. Before it ran (`reply` None) its outputs are empty."""
    arguments: list[tuple[str, Any] | None] = []
    for kind in api.arguments:
        if kind == "input":
            assert api.input is not None  # noqa: S101 - a fault in the table
            if api.input == "BinBytesBuf_PI":
                arguments.append(("BytesBuf", call.record.get("buf") or b""))
            else:
                arguments.append((api.input, call.record))
        elif kind == "data":
            arguments.append(("BytesBuf", b"" if isinstance(call.data, Stream) else call.data))
        elif kind == "output_data":
            arguments.append(("BytesBuf", bytes(reply.data) if reply else b""))
        elif reply is None or reply.output is None:
            arguments.append(None)
        elif api.output == "BinBytesBuf_PI":
            arguments.append(("BytesBuf", reply.output.get("buf") or b""))
        else:
            arguments.append((api.output or "", reply.output))
    return arguments
