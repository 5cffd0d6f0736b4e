"""The layouts of iRODS's messages, as one table. Data only: nothing here packs, decides or reads a message.

They are read from structures.txt, which explains its notation.
A structure inside another one is a field with its name; the second one with the same name gets `_2` (XML has the same
tag for both).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Union

# Sizes of character arrays, the closing NUL included.
SIZES = {
    "TYPE": 128,
    "NAME": 64,
    "LONG": 256,
    "PATH": 1088,
    "SHORT": 32,
    "TIME": 32,
    "ERROR": 1024,
    "META": 20480,
    "RULES": 10880,
    "HUGE": 100000,
    "PASSWORD": 50,
    "COLUMNS": 50,
    "SETTING": 2700,
}


class Kind(Enum):
    """The kind of value in a field."""

    CHAR = "char"
    BIN = "bin"
    STR = "str"
    INT = "int"
    INT16 = "int16"
    INT64 = "int64"
    STRUCTURE = "structure"
    # A structure whose name is the value of another field.
    CHOICE = "choice"


# A count: a number, or the name of the int field that holds it.
Count = Union[int, str]


@dataclass(frozen=True)
class Field:
    """One field of a structure: its key in the decoded record, its tag in XML, and how it is laid out."""

    key: str
    tag: str
    kind: Kind
    pointer: bool = False
    # [n]: an array of values, or of pointers if `pointer`.
    length: Count | None = None
    # (n): the number of values behind one pointer.
    extent: Count | None = None
    # <n>: the room for one text, its NUL included; None is any length.
    room: Count | None = None
    # For CHOICE: the field that names the structure.
    chooser: str = ""


_FIELD = re.compile(
    r"(?:(?P<name>\w+):(?P<star>\*?)(?P<kind>\w+)|(?P<at>@)(?P<astar>\*?)(?P<struct>\w+)|(?P<cname>\w+):\?(?P<chooser>\w+))"
    r"(?:<(?P<room>\w+)>)?(?:\[(?P<length>\w+)\])?(?:\((?P<extent>\w+)\))?"
)


def _count(text: str | None) -> Count | None:
    if text is None:
        return None
    return int(text) if text.isdigit() else SIZES.get(text, text)


def _field(word: str, taken: set[str]) -> Field:
    match = _FIELD.fullmatch(word)
    if match is None:
        raise ValueError(f"cannot read the field {word!r} of the table of structures")
    part = match.groupdict()
    length, extent, room = _count(part["length"]), _count(part["extent"]), _count(part["room"])
    if part["cname"]:
        return Field(part["cname"], part["cname"], Kind.CHOICE, pointer=True, chooser=part["chooser"])
    if part["at"]:
        tag = part["struct"]
        key = tag if tag not in taken else f"{tag}_2"
        return Field(key, tag, Kind.STRUCTURE, bool(part["astar"]), length, extent, room)
    return Field(part["name"], part["name"], Kind(part["kind"]), bool(part["star"]), length, extent, room)


def _read() -> dict[str, str]:
    entries: dict[str, str] = {}
    name = ""
    for line in Path(__file__).with_name("structures.txt").read_text(encoding="utf-8").splitlines():
        if line and line[0] not in "# ":
            name, _, line = line.partition(" ")
        if name:
            entries[name] = f"{entries.get(name, '')} {line}"
    return entries


_ENTRIES = _read()

NAMES = frozenset(_ENTRIES)


@cache
def fields_of(structure: str) -> tuple[Field, ...]:
    """The fields of a structure, in order. KeyError if the table has no such structure."""
    fields: list[Field] = []
    for word in _ENTRIES[structure].split():
        fields.append(_field(word, {field.key for field in fields}))
    return tuple(fields)
