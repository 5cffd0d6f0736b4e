"""The two ways iRODS writes single values: native (big-endian numbers, NUL-ended texts) and its own plain XML.

Readers take values from a message front to back, writers collect them. Neither knows structures: `packing` walks those.
A reader returns None for values missing in XML and raises RemoteProtocolError for broken ones. It never reads or
allocates more than the message holds.
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
from enum import Enum
from functools import cache

from irods_zone.protocol.errors import USER_PACKSTRUCT_INPUT_ERR, RemoteProtocolError
from irods_zone.protocol.structures import Kind


class Packing(Enum):
    """The form of the messages of a connection; the client chooses it when it connects."""

    NATIVE = "native"
    XML = "xml"
    # XML as before iRODS 4.2.9, where &apos; stood for the backquote.
    XML_BEFORE_4_2_9 = "xml-before-4.2.9"


# The text for a null pointer in native packing.
NULL = b"%@#ANULLSTR$%\0"

# The format of whole numbers in native packing, and their limits.
FORMATS = {Kind.INT: ("i", 4), Kind.INT16: ("h", 2), Kind.INT64: ("q", 8)}
RANGES = {kind: 1 << (8 * size - 1) for kind, (_, size) in FORMATS.items()}


class Reader:
    """Takes single values from a message, front to back. Returns None for missing values."""

    def null(self, tag: str) -> bool:
        """Whether the next pointer is null (and pass it)."""
        raise NotImplementedError

    def open(self, tag: str) -> bool:
        """Enter a structure; False if it is missing."""
        raise NotImplementedError

    def close(self, tag: str) -> None:
        """Leave a structure."""
        raise NotImplementedError

    def number(self, tag: str, kind: Kind) -> int | None:
        """A whole number."""
        raise NotImplementedError

    def text(self, tag: str, room: int | None) -> str | None:
        """A text of less than `room` bytes."""
        raise NotImplementedError

    def raw(self, tag: str, kind: Kind, size: int) -> bytes | None:
        """`size` bytes."""
        raise NotImplementedError


def _decode(data: bytes, room: int | None, tag: str) -> str:
    if room is not None and len(data) >= room:
        raise RemoteProtocolError(
            f"{tag} has {len(data)} bytes, {max(0, room - 1)} fit", code=USER_PACKSTRUCT_INPUT_ERR
        )
    return data.decode("utf-8", "surrogateescape")


class _NativeReader(Reader):
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def null(self, tag: str) -> bool:
        if self._data.startswith(NULL, self._at):
            self._at += len(NULL)
            return True
        return False

    def open(self, tag: str) -> bool:
        return True

    def close(self, tag: str) -> None:
        pass

    def _take(self, size: int, tag: str) -> bytes:
        end = self._at + size
        if end > len(self._data):
            raise RemoteProtocolError(f"the message ends inside {tag}")
        data = self._data[self._at : end]
        self._at = end
        return data

    def number(self, tag: str, kind: Kind) -> int:
        form, size = FORMATS[kind]
        value: int = struct.unpack(f">{form}", self._take(size, tag))[0]
        return value

    def text(self, tag: str, room: int | None) -> str:
        end = self._data.find(b"\0", self._at)
        if end < 0:
            raise RemoteProtocolError(f"the message ends inside {tag}")
        data = self._data[self._at : end]
        self._at = end + 1
        return _decode(data, room, tag)

    def raw(self, tag: str, kind: Kind, size: int) -> bytes:
        return self._take(size, tag)


_NUMBER = re.compile(rb"\s*([+-]?[0-9]+)")
_ENTITY = re.compile(rb"&(amp|lt|gt|quot|apos);")
_ENTITIES = {b"amp": b"&", b"lt": b"<", b"gt": b">", b"quot": b'"'}
# iRODS refuses a number with more characters.
_NUMBER_ROOM = 64


def _quote_of(packing: Packing) -> bytes:
    return b"'" if packing is Packing.XML else b"`"


@cache
def _tags(tag: str) -> tuple[bytes, bytes]:
    """<tag> and </tag>; tags are names from the table, so there are few."""
    return f"<{tag}>".encode(), f"</{tag}>".encode()


class _XmlReader(Reader):
    """Finds tags by position, as iRODS does: no attributes, no comments, fields in the order of the structure."""

    def __init__(self, data: bytes, packing: Packing) -> None:
        self._data = data
        self._at = 0
        self._entities = {**_ENTITIES, b"apos": _quote_of(packing)}

    def _starts(self, tag: str) -> int:
        """The position of the contents if the next tag is <tag>, else -1."""
        start = self._data.find(b"<", self._at)
        opening = _tags(tag)[0]
        return start + len(opening) if start >= 0 and self._data.startswith(opening, start) else -1

    def _end(self, tag: str, start: int) -> int:
        """The position of the next </tag>, which is passed."""
        closing = _tags(tag)[1]
        end = self._data.find(closing, start)
        if end < 0:
            raise RemoteProtocolError(f"{tag} has no end")
        self._at = end + len(closing)
        return end

    def null(self, tag: str) -> bool:
        return self._starts(tag) < 0

    def open(self, tag: str) -> bool:
        start = self._starts(tag)
        if start < 0:
            return False
        self._at = start
        return True

    def close(self, tag: str) -> None:
        self._end(tag, self._at)

    def _contents(self, tag: str) -> bytes | None:
        start = self._starts(tag)
        return None if start < 0 else self._data[start : self._end(tag, start)]

    def number(self, tag: str, kind: Kind) -> int | None:
        data = self._contents(tag)
        if data is None:
            return None
        if len(data) >= _NUMBER_ROOM:
            raise RemoteProtocolError(f"the number in {tag} is too long", code=USER_PACKSTRUCT_INPUT_ERR)
        match = _NUMBER.match(data)
        value = int(match.group(1)) if match else 0
        if not -RANGES[kind] <= value < RANGES[kind]:
            raise RemoteProtocolError(f"{value} does not fit {tag}", code=USER_PACKSTRUCT_INPUT_ERR)
        return value

    def text(self, tag: str, room: int | None) -> str | None:
        data = self._contents(tag)
        if data is None:
            return None
        if b"\0" in data:
            raise RemoteProtocolError(f"a NUL byte in {tag}")
        if b"&" in data:
            data = _ENTITY.sub(lambda match: self._entities[match.group(1)], data)
        return _decode(data, room, tag)

    def raw(self, tag: str, kind: Kind, size: int) -> bytes | None:
        data = self._contents(tag)
        if data is None:
            return None
        if kind is Kind.BIN:
            try:
                data = base64.b64decode(data)
            except (binascii.Error, ValueError) as error:
                raise RemoteProtocolError(f"{tag} is not base64: {error}") from error
        if len(data) != size:
            raise RemoteProtocolError(
                f"{tag} has {len(data)} bytes where {size} were announced", code=USER_PACKSTRUCT_INPUT_ERR
            )
        return data


class Writer:
    """Collects the parts of a message."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def null(self) -> None:
        """A null pointer."""
        raise NotImplementedError

    def open(self, tag: str) -> None:
        """Begin a structure."""
        raise NotImplementedError

    def close(self, tag: str) -> None:
        """End a structure."""
        raise NotImplementedError

    def number(self, tag: str, kind: Kind, value: int) -> None:
        """A whole number that fits."""
        raise NotImplementedError

    def text(self, tag: str, data: bytes) -> None:
        """A text without NUL bytes."""
        raise NotImplementedError

    def raw(self, tag: str, kind: Kind, data: bytes) -> None:
        """Bytes whose length is written elsewhere."""
        raise NotImplementedError


class _NativeWriter(Writer):
    def null(self) -> None:
        self.parts.append(NULL)

    def open(self, tag: str) -> None:
        pass

    def close(self, tag: str) -> None:
        pass

    def number(self, tag: str, kind: Kind, value: int) -> None:
        self.parts.append(struct.pack(f">{FORMATS[kind][0]}", value))

    def text(self, tag: str, data: bytes) -> None:
        self.parts.append(data + b"\0")

    def raw(self, tag: str, kind: Kind, data: bytes) -> None:
        self.parts.append(data)


class _XmlWriter(Writer):
    def __init__(self, packing: Packing) -> None:
        super().__init__()
        self._quote = _quote_of(packing)

    def null(self) -> None:
        pass

    def open(self, tag: str) -> None:
        self.parts.append(_tags(tag)[0] + b"\n")

    def close(self, tag: str) -> None:
        self.parts.append(_tags(tag)[1] + b"\n")

    def _element(self, tag: str, contents: bytes) -> None:
        opening, closing = _tags(tag)
        self.parts.append(b"%s%s%s\n" % (opening, contents, closing))

    def number(self, tag: str, kind: Kind, value: int) -> None:
        self._element(tag, b"%d" % value)

    def text(self, tag: str, data: bytes) -> None:
        data = data.replace(b"&", b"&amp;").replace(b"<", b"&lt;").replace(b">", b"&gt;")
        self._element(tag, data.replace(b'"', b"&quot;").replace(self._quote, b"&apos;"))

    def raw(self, tag: str, kind: Kind, data: bytes) -> None:
        self._element(tag, base64.b64encode(data) if kind is Kind.BIN else data)


def reader(data: bytes, packing: Packing) -> Reader:
    """The reader of a message in this packing."""
    return _NativeReader(data) if packing is Packing.NATIVE else _XmlReader(data, packing)


def writer(packing: Packing) -> Writer:
    """The writer of a message in this packing; the bytes are its joined parts."""
    return _NativeWriter() if packing is Packing.NATIVE else _XmlWriter(packing)
