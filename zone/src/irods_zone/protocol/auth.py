"""The native sign-in, as functions of values: the challenge, the right answer, and their messages.

This module knows no users and keeps no passwords. A client proves that it knows the password by a digest of the
server's challenge and the password; both messages are JSON in a BinBytesBuf_PI (API 110000), and the server answers
with the client's own object, with its keys in alphabetical order.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from typing import Any

from irods_zone.protocol.errors import RemoteProtocolError
from irods_zone.protocol.packing import Packing, pack, unpack

NATIVE = "native"
REQUEST = "auth_agent_auth_request"
RESPONSE = "auth_agent_auth_response"

_CHALLENGE_LENGTH = 64
_PASSWORD_LENGTH = 50
_DIGEST_LENGTH = 16


def new_challenge() -> str:
    """A new challenge of 64 characters."""
    return secrets.token_hex(_CHALLENGE_LENGTH // 2)


def digest(challenge: str, password: str) -> bytes:
    """The answer of a client that knows the password: MD5 of both, in fields of fixed length, without NUL bytes."""
    challenge_field = challenge.encode()[:_CHALLENGE_LENGTH].ljust(_CHALLENGE_LENGTH, b"\0")
    password_field = password.encode("utf-8", "surrogateescape")[:_PASSWORD_LENGTH].ljust(_PASSWORD_LENGTH, b"\0")
    # The scheme is iRODS's; MD5 is what its clients send.
    return hashlib.md5(challenge_field + password_field, usedforsecurity=False).digest().replace(b"\0", b"\1")


def proves(request: Mapping[str, Any], challenge: str, password: str) -> bool:
    """Whether the client's second message shows that it knows the password. Takes the same time in both cases."""
    text = request.get("digest")
    if not isinstance(text, str) or not challenge or not password:
        return False
    try:
        response = base64.b64decode(text.encode("ascii", "replace"))
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(response.rstrip(b"\0")[:_DIGEST_LENGTH], digest(challenge, password))


def session_signature(challenge: str) -> str:
    """The second part of the key for scrambled passwords of this session, besides the password: see `scramble`."""
    return challenge.encode()[:16].hex()


def read_message(msg: bytes, packing: Packing) -> dict[str, Any]:
    """The JSON object in a request 110000. RemoteProtocolError if there is none."""
    data: bytes = unpack("BinBytesBuf_PI", msg, packing)["buf"] or b""
    try:
        value = json.loads(data.rstrip(b"\0").decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise RemoteProtocolError(f"the sign-in message is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise RemoteProtocolError("the sign-in message is not a JSON object")
    return value


def write_message(value: Mapping[str, Any], packing: Packing) -> bytes:
    """The reply to a request 110000."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    data = text.encode("utf-8", "surrogatepass") + b"\0"
    return pack("BinBytesBuf_PI", {"buflen": len(data), "buf": data}, packing)
