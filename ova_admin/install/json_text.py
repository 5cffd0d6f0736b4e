"""The positions of values in a JSON text, so that one can be inserted without touching the rest. Pure.

`json` alone would lose the file's formatting.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ova_admin.errors import AdminError

_SPACE = " \t\r\n"


@dataclass(frozen=True)
class Value:
    """A value's place, [start, end) in characters, and the places of its content."""

    start: int
    end: int
    items: tuple[Value, ...] = ()
    members: Mapping[str, Value] = field(default_factory=dict)
    keys: Mapping[str, int] = field(default_factory=dict)  # where the key of each member begins


def parse(text: str) -> Value:
    """The places in a JSON text. Raises AdminError, with the message of `json`, if it is not JSON."""
    try:
        json.loads(text)
    except ValueError as error:
        raise AdminError(f"not JSON: {error}") from error
    return _value(text, _skip(text, 0))


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at


def _value(text: str, at: int) -> Value:
    if text[at] == "[":
        return _array(text, at)
    if text[at] == "{":
        return _object(text, at)
    _, end = json.JSONDecoder().raw_decode(text, at)
    return Value(at, end)


def _array(text: str, start: int) -> Value:
    items: list[Value] = []
    at = _skip(text, start + 1)
    while text[at] != "]":
        items.append(_value(text, at))
        at = _skip(text, items[-1].end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return Value(start, at + 1, items=tuple(items))


def _object(text: str, start: int) -> Value:
    members: dict[str, Value] = {}
    keys: dict[str, int] = {}
    at = _skip(text, start + 1)
    while text[at] != "}":
        key, end = json.JSONDecoder().raw_decode(text, at)
        keys[key] = at
        members[key] = _value(text, _skip(text, _skip(text, end) + 1))
        at = _skip(text, members[key].end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return Value(start, at + 1, members=members, keys=keys)


def indent_of(text: str, at: int) -> str | None:
    """The white space before `at` on its line; None if there is something else."""
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line if not line.strip() and "\n" in text[:at] else None


def insert_item(text: str, array: Value, index: int, value: Any) -> str:
    """`text` with `value` before the item with that index (or at the end), laid out like the items."""
    if not array.items:
        return text[: array.start] + f"[{json.dumps(value)}]" + text[array.end :]
    if index >= len(array.items):
        last = array.items[-1]
        lead = text[last.start - len(_gap_before(text, last.start)) : last.start]
        return text[: last.end] + "," + lead + _laid_out(text, last.start, value) + text[last.end :]
    at = array.items[index].start
    return text[:at] + _laid_out(text, at, value) + "," + _gap_before(text, at) + text[at:]


def insert_member(text: str, target: Value, key: str, value: Any) -> str:
    """`text` with one more member at the end of an object, laid out like the others."""
    if not target.members:
        made = _laid_out(text, target.start, {key: value}, _line_indent(text, target.start))
        return text[: target.start] + made + text[target.end :]
    last_key = max(target.keys.values())
    last_end = max(member.end for member in target.members.values())
    made = f"{json.dumps(key)}: {_laid_out(text, last_key, value)}"
    return text[:last_end] + "," + _gap_before(text, last_key) + made + text[last_end:]


def replace(text: str, old: Value, at: int, value: Any) -> str:
    """`text` with another value in that place; `at`: the start of the item or its key, for the layout."""
    return text[: old.start] + _laid_out(text, at, value) + text[old.end :]


def reorder(text: str, array: Value, order: Sequence[int]) -> str:
    """`text` with the items of an array in another order; the text between them stays."""
    pieces: list[str] = []
    at = 0
    for item, index in zip(array.items, order):
        other = array.items[index]
        pieces += [text[at : item.start], text[other.start : other.end]]
        at = item.end
    return "".join(pieces) + text[at:]


def _gap_before(text: str, at: int) -> str:
    start = at
    while start and text[start - 1] in _SPACE:
        start -= 1
    return text[start:at]


def _line_indent(text: str, at: int) -> str:
    line = text[text.rfind("\n", 0, at) + 1 :]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _laid_out(text: str, at: int, value: Any, indent: str | None = None) -> str:
    """The value as JSON, over several lines if `at` is at the beginning of a line."""
    indent = indent_of(text, at) if indent is None else indent
    if indent is None:
        return json.dumps(value)
    unit = "\t" if indent.startswith("\t") else " " * (_unit(text) or 4)
    return json.dumps(value, indent=unit).replace("\n", "\n" + indent)


def _unit(text: str) -> int:
    """The indentation of the first indented line."""
    for line in text.splitlines():
        if line.startswith(" ") and line.strip():
            return len(line) - len(line.lstrip(" "))
    return 0
