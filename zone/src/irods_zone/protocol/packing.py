"""Converts records to bytes and back, in both packings of iRODS, driven by the table in `structures`.

This module does not know the meaning of a message. A record is a dict with iRODS's own field names:

- int for numbers, str for text (UTF-8; other bytes survive as surrogates), bytes for bin and char;
- a null pointer is None; values counted by a field that is 0 are empty ([] or b"");
- arrays are lists; a structure inside another is a dict under its own name;
- KeyValPair_PI is a dict[str, str], InxIvalPair_PI a list[tuple[int, int]], InxValPair_PI a list[tuple[int, str]].

Packing fills in what a record lacks: 0, "", None, empty structures, and counts.
Unpacking does the same for XML, where some clients leave fields out, and raises RemoteProtocolError for anything else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, Union

from irods_zone.protocol.encodings import FORMATS, NULL, RANGES, Packing, Reader, Writer, reader, writer
from irods_zone.protocol.errors import LocalProtocolError, RemoteProtocolError
from irods_zone.protocol.structures import NAMES, Count, Field, Kind, fields_of

__all__ = ["NULL", "Packing", "Record", "Value", "default", "pack", "unpack"]

Record = dict[str, Any]
# The type of a decoded structure: the three kinds of pairs have their own types.
Value = Union[Record, dict[str, str], list[tuple[int, int]], list[tuple[int, str]]]


# Structures nest at most five deep; only a hostile message goes deeper.
_MAX_DEPTH = 16

# No client sends larger arrays. The limit keeps a message from taking many times its size in memory.
_MAX_ITEMS = 100_000

_BYTES_KINDS = (Kind.BIN, Kind.CHAR)

# The structure of a choice without a named type.
_NO_CHOICE = "STR_PTR_PI"

# The fields of the structures that decode to pairs instead of a record.
_PAIRS = {
    "KeyValPair_PI": ("ssLen", "keyWord", "svalue"),
    "InxIvalPair_PI": ("iiLen", "inx", "ivalue"),
    "InxValPair_PI": ("isLen", "inx", "svalue"),
}


def unpack(structure: str, data: bytes, packing: Packing) -> Record:
    """Decode one message. RemoteProtocolError if it is invalid; KeyError if there is no such structure."""
    value: Record = _read_structure(reader(data, packing), structure, _Scope({}, None), 0)
    return value


def pack(structure: str, value: Any, packing: Packing) -> bytes:
    """Encode one message. LocalProtocolError if the value does not fit the structure."""
    written = writer(packing)
    _write_structure(written, structure, value, _Scope({}, None))
    return b"".join(written.parts)


class _Sizes(NamedTuple):
    """The sizes of a field as numbers."""

    # The number of values; None if it is no array.
    many: int | None
    # The number of bytes of one value.
    extent: int
    # The room for one text, None if any length fits.
    room: int | None

    @property
    def nothing(self) -> bool:
        """Whether there is nothing to point to."""
        return self.many == 0 or self.extent == 0 or self.room == 0


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

    def sizes(self, field: Field, fault: type[LocalProtocolError | RemoteProtocolError]) -> _Sizes:
        """The sizes of a field, as numbers."""
        try:
            length = None if field.length is None else self.count(field.length)
            extent = None if field.extent is None else self.count(field.extent)
            room = None if field.room is None else self.count(field.room)
        except KeyError as error:
            raise fault(f"{field.key} is counted by {error}, which is in no structure around it") from error
        if extent is None or field.kind in _BYTES_KINDS:
            return _Sizes(length, 1 if extent is None else extent, room)
        return _Sizes(extent if length is None else length, 1, room)


def _empty(field: Field) -> Any:
    """The value of a missing field."""
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


def _read_structure(source: Reader, structure: str, around: _Scope, depth: int) -> Any:
    """The next structure; None if it is missing (XML only)."""
    if depth > _MAX_DEPTH:
        raise RemoteProtocolError(f"{structure} is nested too deeply")
    if not source.open(structure):
        if depth == 0:
            raise RemoteProtocolError(f"the message is not a {structure}")
        return None
    record: Record = {}
    scope = _Scope(record, around)
    for field in fields_of(structure):
        record[field.key] = _read_field(source, field, scope, depth)
    source.close(structure)
    return _as_pairs(structure, record)


def _as_pairs(structure: str, record: Record) -> Any:
    names = _PAIRS.get(structure)
    if names is None:
        return record
    length, first, second = names
    pairs = list(zip(record[first] or (), record[second] or ()))
    if len(pairs) != max(0, record[length]):
        raise RemoteProtocolError(f"{structure} announces {record[length]} pairs and has {len(pairs)}")
    if structure != "KeyValPair_PI":
        return pairs
    keywords: dict[str, str] = {}
    for keyword, value in pairs:
        # The first of two equal keywords counts, as it does in iRODS.
        keywords.setdefault(keyword, value)
    return keywords


def _read_field(source: Reader, field: Field, scope: _Scope, depth: int) -> Any:
    tag = _tag(field, scope)
    if field.kind is Kind.CHOICE and tag not in NAMES:
        raise RemoteProtocolError(f"{field.key} is of unknown type {tag!r}")
    sizes = scope.sizes(field, RemoteProtocolError)
    if field.pointer and (source.null(tag) or sizes.nothing):
        return _empty(field) if sizes.nothing else None
    if sizes.many is None:
        value = _read_one(source, field, tag, sizes, scope, depth)
        return _empty(field) if value is None else value
    if sizes.many > _MAX_ITEMS:
        raise RemoteProtocolError(f"{sizes.many} times {tag}, at most {_MAX_ITEMS} are read")
    values: list[Any] = []
    for _ in range(sizes.many):
        value = _read_one(source, field, tag, sizes, scope, depth)
        if value is None:
            raise RemoteProtocolError(f"{tag} appears {len(values)} times where {sizes.many} were announced")
        values.append(value)
    return values


def _tag(field: Field, scope: _Scope) -> str:
    """The tag of a field; for a structure its name, for a choice the value of another field."""
    return field.tag if field.kind is not Kind.CHOICE else scope.values[field.chooser] or _NO_CHOICE


def _read_one(source: Reader, field: Field, tag: str, sizes: _Sizes, scope: _Scope, depth: int) -> Any:
    if field.kind in FORMATS:
        return source.number(tag, field.kind)
    if field.kind is Kind.STR:
        return source.text(tag, sizes.room)
    if field.kind in _BYTES_KINDS:
        return source.raw(tag, field.kind, sizes.extent)
    return _read_structure(source, tag, scope, depth + 1)


# --- Writing ------------------------------------------------------------------------------------------------------


@cache
def _counted_by(structure: str) -> Mapping[str, str]:
    """The field that each count of a structure counts."""
    return {
        str(count): field.key
        for field in reversed(fields_of(structure))
        for count in (field.length, field.extent)
        if isinstance(count, str)
    }


def _write_structure(target: Writer, structure: str, value: Any, around: _Scope) -> None:
    record = _from_pairs(structure, value)
    known: Record = {}
    scope = _Scope(known, around)
    counted = _counted_by(structure)
    target.open(structure)
    for field in fields_of(structure):
        item = record.get(field.key)
        if item is None and field.key in counted:
            item = len(record.get(counted[field.key]) or ())
        elif item is None:
            item = _empty(field)
        known[field.key] = item
        _write_field(target, structure, field, item, scope)
    target.close(structure)


def _from_pairs(structure: str, value: Any) -> Mapping[str, Any]:
    names = _PAIRS.get(structure)
    if names is not None:
        pairs = list(value.items() if isinstance(value, Mapping) else value or ())
        length, first, second = names
        return {length: len(pairs), first: [pair[0] for pair in pairs], second: [pair[1] for pair in pairs]}
    if not isinstance(value, Mapping):
        raise LocalProtocolError(f"{structure} cannot be made from {type(value).__name__}")
    return value


def _write_field(target: Writer, structure: str, field: Field, item: Any, scope: _Scope) -> None:
    tag = _tag(field, scope)
    sizes = scope.sizes(field, LocalProtocolError)
    name = f"{structure}.{field.key}"
    if field.pointer and (item is None or (not item and (sizes.many is not None or field.extent is not None))):
        if item is not None and not sizes.nothing:
            raise LocalProtocolError(f"{name} is empty, its count is not")
        target.null()
        return
    if sizes.many is None:
        _write_one(target, name, field, tag, item, sizes, scope)
        return
    items: Sequence[Any] = item
    if field.kind is Kind.STRUCTURE and isinstance(field.length, int):
        # Slots of a fixed number, used or not.
        items = [*items, *({} for _ in range(field.length - len(items)))]
    if len(items) != sizes.many:
        raise LocalProtocolError(f"{name} has {len(items)} items, its count is {sizes.many}")
    for one in items:
        _write_one(target, name, field, tag, one, sizes, scope)


def _write_one(target: Writer, name: str, field: Field, tag: str, item: Any, sizes: _Sizes, scope: _Scope) -> None:
    kind = field.kind
    if kind in FORMATS:
        if not isinstance(item, int) or not -RANGES[kind] <= item < RANGES[kind]:
            raise LocalProtocolError(f"{name} does not hold {item!r}")
        target.number(tag, kind, item)
    elif kind is Kind.STR:
        data = str(item).encode("utf-8", "surrogateescape")
        if b"\0" in data or (sizes.room is not None and len(data) >= sizes.room):
            raise LocalProtocolError(f"{name} does not hold {data[:80]!r}, {len(data)} bytes")
        target.text(tag, data)
    elif kind in _BYTES_KINDS:
        if len(item) != sizes.extent:
            raise LocalProtocolError(f"{name} has {len(item)} bytes, its count is {sizes.extent}")
        target.raw(tag, kind, bytes(item))
    else:
        _write_structure(target, tag, item, scope)
