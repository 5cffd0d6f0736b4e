"""The parts of the structures that rules get: C strings, pairs, byte buffers, and the base of all structures.

Values are plain Python here. A rule that forgets str() around a C string, or asks a KeyValPair for a missing key, fails
here as on a real server. This module knows no particular structure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Union

Record = Mapping[str, Any]
Buffer = Union[bytes, bytearray, memoryview]


class CString:
    """A C string: printable with str(), but not a str (no ==, no +, no methods), as Boost.Python exports it."""

    __slots__ = ("_text",)

    def __init__(self, text: str = "") -> None:
        self._text = text

    def __str__(self) -> str:
        return self._text

    def __len__(self) -> int:
        return len(self._text)

    def __getitem__(self, index: int) -> str:
        return self._text[index]

    def __iter__(self) -> Iterator[str]:
        return iter(self._text)

    def __contains__(self, character: object) -> bool:
        return isinstance(character, str) and len(character) == 1 and character in self._text


CString.__name__ = CString.__qualname__ = "c_string"


class CharArray(CString):
    """A char[N] member of a structure."""


CharArray.__name__ = CharArray.__qualname__ = "char_array"


class KeyValPair:
    """condInput: `len`, `key[i]`, `value[i]`, and subscripts that raise KeyError for a missing key."""

    def __init__(self, pairs: Mapping[str, str] | None = None) -> None:
        self._pairs = dict(pairs or {})

    @property
    def len(self) -> int:
        """How many pairs there are."""
        return len(self._pairs)

    @property
    def key(self) -> list[CString]:
        """The keys, in order."""
        return [CString(key) for key in self._pairs]

    @property
    def value(self) -> list[CString]:
        """The values, in the order of the keys."""
        return [CString(value) for value in self._pairs.values()]

    def __getitem__(self, key: str) -> str:
        if key not in self._pairs:
            raise KeyError(f"{key} was not found in the list of keys.")
        return self._pairs[key]

    def as_dict(self) -> dict[str, str]:
        """The pairs; only for the zone itself: PREP has no such method for rules."""
        return dict(self._pairs)


class BytesBuf:
    """A byte buffer. Its bytes are integers in a list, as PREP gives them; a text may end in NUL.

    A transfer that is streamed to its file is never held in memory; its buffer knows only its length.
    """

    def __init__(self, data: Buffer | int = b"") -> None:
        self._data: bytes | None = None if isinstance(data, int) else bytes(data)
        self._length = data if isinstance(data, int) else len(data)

    @property
    def len(self) -> int:
        """The number of bytes."""
        return self._length

    @property
    def buf(self) -> list[str] | None:
        """The bytes as characters, or None when there is no buffer."""
        return [chr(byte) for byte in self._data] if self._data else None

    def get_bytes(self) -> list[int]:
        """The bytes as integers; `bytes(buffer.get_bytes())` makes bytes of them."""
        if self._data is None:
            raise RuntimeError("this zone streams large transfers: their bytes cannot be had in a rule")
        return list(self._data)

    def as_bytes(self) -> bytes:
        """The bytes; only for the zone itself: PREP has no such method for rules."""
        return bytes(self.get_bytes()) if self._data is None else self._data

    def get_byte(self, index: int) -> int:
        """One byte."""
        if self._data is None:
            return self.get_bytes()[index]
        return self._data[index]

    def set_buffer(self, data: Buffer | str, length: int | None = None) -> None:
        """Replace the content."""
        content = data.encode() if isinstance(data, str) else bytes(data)
        self._data = content if length is None else content[:length]
        self._length = len(self._data)

    def clear_buffer(self) -> None:
        """Drop the content."""
        self._data, self._length = b"", 0


class PluginContext:
    """The context of a dynamic policy point; `map()` is a dict of strings."""

    def __init__(self, entries: Mapping[str, str]) -> None:
        self._entries = dict(entries)
        self.rule_results = ""

    def map(self) -> dict[str, str]:
        """The entries of the connection, and for resource operations those of the file object."""
        return dict(self._entries)


class Struct:
    """An iRODS structure: members with their iRODS names, made from a decoded record.

    _MEMBERS gives each member's initial value and so its kind: "" is a char array, 0 an integer, a class a nested
    structure, None a pointer. _RECORDED_AS gives the name a nested structure has in records.
    """

    _MEMBERS: ClassVar[Mapping[str, Any]] = {}
    _RECORDED_AS: ClassVar[Mapping[str, str]] = {"condInput": "KeyValPair_PI", "specColl": "SpecColl_PI"}

    def __init__(self, **members: Any) -> None:
        if not members.keys() <= self._MEMBERS.keys():
            unknown = ", ".join(sorted(members.keys() - self._MEMBERS.keys()))
            raise TypeError(f"{type(self).__name__} has no member {unknown}")
        self._given = members

    def __getattr__(self, name: str) -> Any:
        # Members are made at their first use: most rules use few.
        if name not in self._MEMBERS:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        value = _member(self._MEMBERS[name], self._given.get(name))
        self.__dict__[name] = value
        return value

    def __dir__(self) -> list[str]:
        return [*self._MEMBERS, *(name for name in super().__dir__() if name not in self._MEMBERS)]

    @classmethod
    def _from_record(cls, record: Record) -> Any:
        """The structure for a record as irods_zone.protocol.packing decodes it."""
        members = {}
        for name, default in cls._MEMBERS.items():
            key = name if name in record else cls._RECORDED_AS.get(name, name)
            value = record.get(key)
            if isinstance(default, type) and issubclass(default, Struct) and isinstance(value, Mapping):
                value = default._from_record(value)
            members[name] = value
        return cls(**members)


class StructArray(Sequence[Any]):
    """An array of structures of the class _ITEM."""

    _ITEM: ClassVar[type[Struct]]

    def __init__(self, items: Sequence[Any] = ()) -> None:
        self._items = list(items)

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: Any) -> Any:
        return self._items[index]


def _member(default: Any, given: Any) -> Any:
    if isinstance(default, type):
        if isinstance(given, default):
            return given
        if given is None:
            return default()
        if issubclass(default, StructArray):
            return default([default._ITEM._from_record(item) for item in given])
        return default._from_record(given) if issubclass(default, Struct) else KeyValPair(given)
    if isinstance(default, str):
        return CharArray(str(given) if given is not None else default)
    return default if given is None else given
