"""Errors of bytes on the wire: the other side's fault, or ours. Nothing else belongs here."""

from __future__ import annotations

SYS_HEADER_READ_LEN_ERR = -4000
SYS_HEADER_TYPE_LEN_ERR = -6000
SYS_NO_API_PRIV = -13000
SYS_PACK_INSTRUCT_FORMAT_ERR = -15000
USER_PACKSTRUCT_INPUT_ERR = -308000


class ProtocolError(Exception):
    """Bytes that do not follow iRODS's protocol, or are not allowed now. `code` is the iRODS status for that."""

    def __init__(self, message: str, code: int = SYS_PACK_INSTRUCT_FORMAT_ERR) -> None:
        super().__init__(message)
        self.code = code


class RemoteProtocolError(ProtocolError):
    """The client sent such bytes."""


class LocalProtocolError(ProtocolError):
    """This program was about to send such bytes: a fault in the zone, not in the client."""
