"""The form of what the servers of a zone ask each other: JSON, packed into short literals of rule text, and sealed.

A server reads literals of a rule up to 1,000 characters, and some twenty of them in a call, so longer requests are sent
in several calls. Any user can make a server run a rule on another one, in the user's name; so each call carries a seal
that only the zone's key can make. It binds the text to its user, its receiver and its time.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
import time
import zlib
from collections.abc import Callable, Iterator, Sequence

from ova_rules.errors import SealError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

RULE = "ova_request"
_LITERAL = 900
_LITERALS = 20  # of text in one call
_MOST_CALLS = 1000
_MOST_BYTES = 64 * 1024 * 1024  # of a request or answer, unpacked
_CLOCKS = 600  # seconds that the clocks of two servers may differ
_TEXT = r"'[0-9A-Za-z_=:-]*'"
_IS_REQUEST = re.compile(rf"remExec\{{\*ARG3='';{RULE}\((?:{_TEXT},)+\*ARG3\);\}}")


def is_request(rule_text: str) -> bool:
    """Whether rule text that arrives from another server is nothing but a request; its seal is checked later."""
    return _IS_REQUEST.fullmatch(rule_text) is not None


def packed(value: Any) -> str:
    """A JSON value as text that needs no escapes in a rule."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    return base64.urlsafe_b64encode(zlib.compress(text.encode("ascii"), 1)).decode("ascii")


def unpacked(text: str) -> Any:
    """The JSON value of a packed text. Raises ValueError if it is none, or too large."""
    try:
        unpacking = zlib.decompressobj()
        data = unpacking.decompress(base64.urlsafe_b64decode(text.encode("ascii")), _MOST_BYTES)
        if unpacking.unconsumed_tail:
            raise ValueError("it is too large")
        return json.loads(data)
    except (zlib.error, UnicodeError, RecursionError) as error:
        raise ValueError(str(error)) from error


def calls(key: bytes, user: str, host: str, request: Any) -> Iterator[str]:
    """The rule texts, to be run one after the other on `host` for `user` (name#zone); the last one has the answer."""
    text, nonce = packed(request), os.urandom(8).hex()
    step = _LITERAL * _LITERALS
    parts = [text[start : start + step] for start in range(0, len(text), step)]
    if len(parts) > _MOST_CALLS:
        raise ValueError(f"a request of {len(text)} characters is too long")
    for number, part in enumerate(parts):
        head = ":".join([nonce, str(number), str(len(parts)), str(int(time.time())), _hex(host), _hex(user)])
        pieces = [part[start : start + _LITERAL] for start in range(0, len(part), _LITERAL)]
        literals = [_seal(key, head, part), *_pieces(head), "", *pieces]
        yield f"*ARG3='';{RULE}({','.join(repr(each) for each in literals)},*ARG3);"


class Opener:
    """Puts together the calls of requests to this server. One for an agent: the calls of a request go to one agent."""

    def __init__(self) -> None:
        self._nonce, self._parts = "", list[str]()

    def opened(self, key: bytes, user: str, is_here: Callable[[str], bool], literals: Sequence[str]) -> Any | None:
        """The request in the literals of a call, None if more calls of it follow. Raises SealError.

        is_here: whether a host is this server.
        """
        seal, *rest = literals
        end = rest.index("") if "" in rest else len(rest)
        head, part = "".join(rest[:end]), "".join(rest[end + 1 :])
        if not hmac.compare_digest(seal.encode("utf-8", "replace"), _seal(key, head, part).encode("ascii")):
            raise SealError("a request of another server has not the seal of this server's key; see ova-admin join")
        nonce, number, count, seconds, host, asked_for = head.split(":")
        if bytes.fromhex(asked_for).decode() != user or not is_here(bytes.fromhex(host).decode()):
            raise SealError("a request of another server was made for another user or server")
        if abs(time.time() - int(seconds)) > _CLOCKS:
            raise SealError(f"a request is from a server whose clock differs by more than {_CLOCKS} seconds")
        if int(number) == 0:
            self._nonce, self._parts = nonce, []
        if nonce != self._nonce or int(number) != len(self._parts):
            raise SealError("a request of another server has a gap")
        self._parts.append(part)
        if len(self._parts) < int(count):
            return None
        text, self._nonce, self._parts = "".join(self._parts), "", []
        return unpacked(text)


def _pieces(text: str) -> list[str]:
    return [text[start : start + _LITERAL] for start in range(0, len(text), _LITERAL)]


def _hex(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").hex()


def _seal(key: bytes, head: str, part: str) -> str:
    return hmac.new(key, f"request\n{head}\n{part}".encode("ascii"), hashlib.sha256).hexdigest()
