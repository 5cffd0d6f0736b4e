"""Records to bytes and back, in both packings that iRODS speaks, driven by the table in `structures`.

Nothing here knows what a message means. A record is a dict with iRODS's own field names:

- int for numbers, str for text (UTF-8; other bytes survive as surrogates), bytes for bin and char;
- a pointer to nothing is None; what is counted by a field that says 0 is empty ([] or b"");
- arrays are lists; a structure inside another is a dict under its own name;
- KeyValPair_PI is a dict[str, str], InxIvalPair_PI a list[tuple[int, int]], InxValPair_PI a list[tuple[int, str]].

Packing fills in what a record leaves out: 0, "", None, empty structures, and counts from what they count.
Unpacking does the same for XML, where some clients leave fields out, and raises RemoteProtocolError for anything else.
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
from collections.abc import Mapping, Sequence
from enum import Enum
from functools import cache
from typing import Any, Union

from zone.protocol.errors import USER_PACKSTRUCT_INPUT_ERR, LocalProtocolError, RemoteProtocolError
from zone.protocol.structures import Count, Field, Kind, fields_of

Record = dict[str, Any]
# What a structure decodes to: the three kinds of pairs have their own types.
Value = Union[Record, dict[str, str], list[tuple[int, int]], list[tuple[int, str]]]


class Packing(Enum):
    """How the messages of a connection are written; the client chooses when it connects."""

    NATIVE = "native"
    XML = "xml"
    # XML as before iRODS 4.2.9, where &apos; stood for the backquote.
    XML_BEFORE_4_2_9 = "xml-before-4.2.9"


# What stands for a pointer to nothing in native packing.
NULL = b"%@#ANULLSTR$%\0"

# Structures nest five deep at most; only a hostile message goes deeper.
_MAX_DEPTH = 16

_FORMATS = {Kind.INT: ("i", 4), Kind.INT16: ("h", 2), Kind.INT64: ("q", 8)}
_RANGES = {kind: 1 << (8 * size - 1) for kind, (_, size) in _FORMATS.items()}

_BYTES_KINDS = (Kind.BIN, Kind.CHAR)

# The fields of the structures that decode to pairs instead of a record.
_PAIRS = {
    "KeyValPair_PI": ("ssLen", "keyWord", "svalue"),
    "InxIvalPair_PI": ("iiLen", "inx", "ivalue"),
    "InxValPair_PI": ("isLen", "inx", "svalue"),
}


def unpack(structure: str, data: bytes, packing: Packing) -> Record:
    """Decode one message. RemoteProtocolError if it is not one; KeyError if there is no such structure."""
    reader: _Reader = _NativeReader(data) if packing is Packing.NATIVE else _XmlReader(data, packing)
    value: Record = _read_structure(reader, structure, structure, _Scope({}, None), 0)
    return value


def pack(structure: str, value: Any, packing: Packing) -> bytes:
    """Encode one message. LocalProtocolError if the value does not fit the structure."""
    writer: _Writer = _NativeWriter() if packing is Packing.NATIVE else _XmlWriter(packing)
    _write_structure(writer, structure, structure, value, _Scope({}, None))
    return b"".join(writer.parts)


class _Scope:
    """The fields seen so far in a structure and in those around it: counts refer to them by name."""

    __slots__ = ("parent", "values")

    def __init__(self, values: Mapping[str, Any], parent: _Scope | None) -> None:
        self.values = values
        self.parent = parent

    def count(self, count: Count) -> int:
        if isinstance(count, int):
            return count
        scope: _Scope | None = self
        while scope is not None:
            if count in scope.values:
                return max(0, int(scope.values[count]))
            scope = scope.parent
        raise KeyError(count)

    def counts(
        self, field: Field, fault: type[LocalProtocolError | RemoteProtocolError]
    ) -> tuple[int | None, int | None, int | None]:
        """(length, extent, room) of a field, as numbers."""
        try:
            return (
                None if field.length is None else self.count(field.length),
                None if field.extent is None else self.count(field.extent),
                None if field.room is None else self.count(field.room),
            )
        except KeyError as error:
            raise fault(f"{field.key} is counted by {error}, which is in no structure around it") from error


def _empty(field: Field) -> Any:
    """What a field holds that is not there."""
    if field.length is not None or isinstance(field.extent, str):
        return b"" if field.kind in _BYTES_KINDS else []
    if field.pointer:
        return None
    if field.kind is Kind.STRUCTURE:
        return default(field.tag)
    return {Kind.STR: "", Kind.CHAR: b"\0", Kind.BIN: b"\0"}.get(field.kind, 0)


def default(structure: str) -> Any:
    """A record with nothing in it."""
    if structure in _PAIRS:
        return {} if structure == "KeyValPair_PI" else []
    return {field.key: _empty(field) for field in fields_of(structure)}


# --- Reading ------------------------------------------------------------------------------------------------------


class _Reader:
    """Takes single values off a message, front to back. Absent values come back as None."""

    def null(self, tag: str) -> bool:
        """Whether the pointer that comes next points at nothing (and pass it)."""
        raise NotImplementedError

    def open(self, tag: str) -> bool:
        """Enter a structure; False if it is not there."""
        raise NotImplementedError

    def close(self, tag: str) -> None:
        raise NotImplementedError

    def number(self, tag: str, kind: Kind) -> int | None:
        raise NotImplementedError

    def text(self, tag: str, room: int | None) -> str | None:
        raise NotImplementedError

    def raw(self, tag: str, kind: Kind, size: int) -> bytes | None:
        raise NotImplementedError


def _decode(data: bytes, room: int | None, tag: str) -> str:
    if room is not None and len(data) >= room:
        raise RemoteProtocolError(
            f"{tag} has {len(data)} bytes, {max(0, room - 1)} fit", code=USER_PACKSTRUCT_INPUT_ERR
        )
    return data.decode("utf-8", "surrogateescape")


class _NativeReader(_Reader):
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
        form, size = _FORMATS[kind]
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
# iRODS refuses a number that is written with more characters.
_NUMBER_ROOM = 64


def _quote_of(packing: Packing) -> bytes:
    return b"'" if packing is Packing.XML else b"`"


class _XmlReader(_Reader):
    """Looks for tags by position as iRODS does: no attributes, no comments, fields in the order of the structure."""

    def __init__(self, data: bytes, packing: Packing) -> None:
        self._data = data
        self._at = 0
        self._entities = {**_ENTITIES, b"apos": _quote_of(packing)}

    def _starts(self, tag: bytes) -> int:
        """Where the contents begin if the next tag is <tag>, else -1."""
        start = self._data.find(b"<", self._at)
        opening = b"<" + tag + b">"
        return start + len(opening) if start >= 0 and self._data.startswith(opening, start) else -1

    def null(self, tag: str) -> bool:
        return self._starts(tag.encode()) < 0

    def open(self, tag: str) -> bool:
        start = self._starts(tag.encode())
        if start < 0:
            return False
        self._at = start
        return True

    def close(self, tag: str) -> None:
        closing = b"</" + tag.encode() + b">"
        end = self._data.find(closing, self._at)
        if end < 0:
            raise RemoteProtocolError(f"{tag} has no end")
        self._at = end + len(closing)

    def _contents(self, tag: str) -> bytes | None:
        name = tag.encode()
        start = self._starts(name)
        if start < 0:
            return None
        closing = b"</" + name + b">"
        end = self._data.find(closing, start)
        if end < 0:
            raise RemoteProtocolError(f"{tag} has no end")
        self._at = end + len(closing)
        return self._data[start:end]

    def number(self, tag: str, kind: Kind) -> int | None:
        data = self._contents(tag)
        if data is None:
            return None
        if len(data) >= _NUMBER_ROOM:
            raise RemoteProtocolError(f"the number in {tag} is too long", code=USER_PACKSTRUCT_INPUT_ERR)
        match = _NUMBER.match(data)
        value = int(match.group(1)) if match else 0
        if not -_RANGES[kind] <= value < _RANGES[kind]:
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


def _read_structure(reader: _Reader, structure: str, tag: str, around: _Scope, depth: int) -> Any:
    """The structure that comes next; None if it is not there (XML only)."""
    if depth > _MAX_DEPTH:
        raise RemoteProtocolError(f"{structure} is nested too deeply")
    if not reader.open(tag):
        if depth == 0:
            raise RemoteProtocolError(f"the message is not a {structure}")
        return None
    record: Record = {}
    scope = _Scope(record, around)
    for field in fields_of(structure):
        record[field.key] = _read_field(reader, field, scope, depth)
    reader.close(tag)
    return _as_pairs(structure, record)


def _as_pairs(structure: str, record: Record) -> Any:
    names = _PAIRS.get(structure)
    if names is None:
        return record
    length, first, second = names
    pairs = list(zip(record[first] or (), record[second] or ()))
    if len(pairs) != max(0, record[length]):
        raise RemoteProtocolError(f"{structure} announces {record[length]} pairs and has {len(pairs)}")
    # The first of two equal keywords counts, as it does in iRODS.
    return (
        dict(reversed(pairs))
        if structure == "KeyValPair_PI" and len(dict(pairs)) < len(pairs)
        else (dict(pairs) if structure == "KeyValPair_PI" else pairs)
    )


def _read_field(reader: _Reader, field: Field, scope: _Scope, depth: int) -> Any:
    tag = field.tag
    structure = tag
    if field.kind is Kind.CHOICE:
        chosen = scope.values[field.chooser]
        tag = structure = chosen or "STR_PTR_PI"
        try:
            fields_of(structure)
        except KeyError:
            raise RemoteProtocolError(f"{field.key} is of unknown type {structure!r}") from None
    length, extent, room = scope.counts(field, RemoteProtocolError)
    if field.pointer:
        none = 0 in (length, extent, room)
        if reader.null(tag) or none:
            return _empty(field) if none else None
    many = length
    if many is None and extent is not None and field.kind not in _BYTES_KINDS:
        many = extent
    if many is None:
        value = _read_one(reader, field, structure, tag, extent, room, scope, depth)
        return _empty(field) if value is None else value
    values: list[Any] = []
    for _ in range(many):
        value = _read_one(reader, field, structure, tag, extent, room, scope, depth)
        if value is None:
            raise RemoteProtocolError(f"{tag} appears {len(values)} times where {many} were announced")
        values.append(value)
    return values


def _read_one(
    reader: _Reader,
    field: Field,
    structure: str,
    tag: str,
    extent: int | None,
    room: int | None,
    scope: _Scope,
    depth: int,
) -> Any:
    kind = field.kind
    if kind in _FORMATS:
        return reader.number(tag, kind)
    if kind is Kind.STR:
        return reader.text(tag, room)
    if kind in _BYTES_KINDS:
        return reader.raw(tag, kind, 1 if extent is None else extent)
    return _read_structure(reader, structure, tag, scope, depth + 1)


# --- Writing ------------------------------------------------------------------------------------------------------


class _Writer:
    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def null(self) -> None:
        raise NotImplementedError

    def open(self, tag: str) -> None:
        raise NotImplementedError

    def close(self, tag: str) -> None:
        raise NotImplementedError

    def number(self, tag: str, kind: Kind, value: int) -> None:
        raise NotImplementedError

    def text(self, tag: str, data: bytes) -> None:
        raise NotImplementedError

    def raw(self, tag: str, kind: Kind, data: bytes) -> None:
        raise NotImplementedError


class _NativeWriter(_Writer):
    def null(self) -> None:
        self.parts.append(NULL)

    def open(self, tag: str) -> None:
        pass

    def close(self, tag: str) -> None:
        pass

    def number(self, tag: str, kind: Kind, value: int) -> None:
        self.parts.append(struct.pack(f">{_FORMATS[kind][0]}", value))

    def text(self, tag: str, data: bytes) -> None:
        self.parts.append(data + b"\0")

    def raw(self, tag: str, kind: Kind, data: bytes) -> None:
        self.parts.append(data)


class _XmlWriter(_Writer):
    def __init__(self, packing: Packing) -> None:
        super().__init__()
        self._quote = _quote_of(packing)

    def null(self) -> None:
        pass

    def open(self, tag: str) -> None:
        self.parts.append(b"<%s>\n" % tag.encode())

    def close(self, tag: str) -> None:
        self.parts.append(b"</%s>\n" % tag.encode())

    def _element(self, tag: str, contents: bytes) -> None:
        name = tag.encode()
        self.parts.append(b"<%s>%s</%s>\n" % (name, contents, name))

    def number(self, tag: str, kind: Kind, value: int) -> None:
        self._element(tag, b"%d" % value)

    def text(self, tag: str, data: bytes) -> None:
        data = data.replace(b"&", b"&amp;").replace(b"<", b"&lt;").replace(b">", b"&gt;")
        self._element(tag, data.replace(b'"', b"&quot;").replace(self._quote, b"&apos;"))

    def raw(self, tag: str, kind: Kind, data: bytes) -> None:
        self._element(tag, base64.b64encode(data) if kind is Kind.BIN else data)


@cache
def _counted_by(structure: str) -> Mapping[str, str]:
    """Which field each count of a structure counts."""
    return {
        str(count): field.key
        for field in reversed(fields_of(structure))
        for count in (field.length, field.extent)
        if isinstance(count, str)
    }


def _write_structure(writer: _Writer, structure: str, tag: str, value: Any, around: _Scope) -> None:
    record = _from_pairs(structure, value)
    known: Record = {}
    scope = _Scope(known, around)
    counted = _counted_by(structure)
    writer.open(tag)
    for field in fields_of(structure):
        item = record.get(field.key)
        if item is None and field.key in counted:
            item = len(record.get(counted[field.key]) or ())
        elif item is None:
            item = _empty(field)
        known[field.key] = item
        _write_field(writer, structure, field, item, scope)
    writer.close(tag)


def _from_pairs(structure: str, value: Any) -> Mapping[str, Any]:
    names = _PAIRS.get(structure)
    if names is not None:
        pairs = list(value.items() if isinstance(value, Mapping) else value or ())
        length, first, second = names
        return {length: len(pairs), first: [pair[0] for pair in pairs], second: [pair[1] for pair in pairs]}
    if not isinstance(value, Mapping):
        raise LocalProtocolError(f"{structure} cannot be made from {type(value).__name__}")
    return value


def _write_field(writer: _Writer, structure: str, field: Field, item: Any, scope: _Scope) -> None:
    tag = field.tag
    if field.kind is Kind.CHOICE:
        tag = scope.values[field.chooser] or "STR_PTR_PI"
    length, extent, room = scope.counts(field, LocalProtocolError)
    listed = length is not None or (extent is not None and field.kind not in _BYTES_KINDS)
    if field.pointer and (item is None or (not item and (listed or extent is not None))):
        if item is not None and 0 not in (length, extent, room):
            raise LocalProtocolError(f"{structure}: {field.key} is empty, its count is not")
        writer.null()
        return
    if not listed:
        _write_one(writer, structure, field, tag, item, extent, room, scope)
        return
    many = length if length is not None else extent
    items: Sequence[Any] = item
    if field.kind is Kind.STRUCTURE and isinstance(field.length, int):
        # Slots of a fixed number, used or not.
        items = [*items, *({} for _ in range(field.length - len(items)))]
    if len(items) != many:
        raise LocalProtocolError(f"{structure}: {field.key} has {len(items)} items, its count is {many}")
    for one in items:
        _write_one(writer, structure, field, tag, one, extent, room, scope)


def _write_one(
    writer: _Writer,
    structure: str,
    field: Field,
    tag: str,
    item: Any,
    extent: int | None,
    room: int | None,
    scope: _Scope,
) -> None:
    kind = field.kind
    if kind in _FORMATS:
        number = int(item)
        if not -_RANGES[kind] <= number < _RANGES[kind]:
            raise LocalProtocolError(f"{structure}: {number} does not fit {field.key}")
        writer.number(tag, kind, number)
    elif kind is Kind.STR:
        data = str(item).encode("utf-8", "surrogateescape")
        if b"\0" in data or (room is not None and len(data) >= room):
            raise LocalProtocolError(f"{structure}: {field.key} does not hold {data[:80]!r}, {len(data)} bytes")
        writer.text(tag, data)
    elif kind in _BYTES_KINDS:
        size = 1 if extent is None else extent
        if len(item) != size:
            raise LocalProtocolError(f"{structure}: {field.key} has {len(item)} bytes, its count is {size}")
        writer.raw(tag, kind, bytes(item))
    else:
        _write_structure(writer, tag, tag, item, scope)
