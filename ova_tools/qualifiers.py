"""Reads the qualifiers of a property: lengths, ranges, value maps and vSphere's network forms.

Must never guess: a known qualifier that cannot be read is an error; an unknown qualifier is no restriction. Source:
DSP0243 9.5.1 (tables 6 and 7, CIM qualifiers of DSP0004); vmw:qualifiers as VMware's ovftool writes them.
"""

from __future__ import annotations

import re

from .limits import MAX_QUALIFIERS
from .records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from decimal import Decimal

_HEAD = re.compile(r"([A-Za-z_][\w.-]*)\s*([({\[]?)")
_BETWEEN = re.compile(r"[\s,;]*")
_QUOTED = {'"': re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL), "'": re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL)}
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_CLOSE = {"(": ")", "{": "}", "[": "]"}
_NETWORK = {
    name.lower(): name
    for name in (
        [
            "Ip",
            "AutoIp",
            "VimIp",
            "Gateway",
            "Netmask",
            "Subnet",
            "HostPrefix",
            "Dns",
            "DomainName",
            "SearchPath",
            "HttpProxy",
            "Net",
        ]
    )
}


@dataclass(frozen=True)
class Limits:
    """The limits of a value; None: no limit. Lengths are in characters, `network` is a vSphere form such as "Ip"."""

    min_len: int | None = None
    max_len: int | None = None
    min_value: Decimal | None = None
    max_value: Decimal | None = None
    choices: tuple[str, ...] | None = None
    network: str | None = None


class QualifierSyntaxError(ValueError):
    """A known qualifier cannot be read; the text says which."""


def parse_qualifiers(text: str) -> Limits:
    """Read the text of `ovf:qualifiers` or `vmw:qualifiers`; several are separated by commas or blanks.

    >>> parse_qualifiers('MinLen(1),MaxLen(6)').max_len
    6
    >>> parse_qualifiers('ValueMap{"a, b", "c"}').choices
    ('a, b', 'c')
    """
    numbers: dict[str, Decimal] = {}
    choices: tuple[str, ...] | None = None
    network: str | None = None
    position = 0
    if len(text) > MAX_QUALIFIERS:
        raise QualifierSyntaxError(f"{len(text)} characters, at most {MAX_QUALIFIERS} are right")
    while (position := _skipped(text, position)) < len(text):
        head = _HEAD.match(text, position)
        if head is None:
            raise QualifierSyntaxError(repr(text[position : position + 40].strip()))
        position = head.end()
        name, opening = head.group(1).lower(), head.group(2)
        arguments: list[str] = []
        if opening:
            arguments, position = _arguments(text, position, _CLOSE[opening], head.group(1))
        if name in ("minlen", "maxlen", "minvalue", "maxvalue"):
            numbers[name] = _number(arguments, head.group(1), whole=name.endswith("len"))
        elif name == "valuemap":
            choices = tuple(arguments)
        elif name in _NETWORK:
            network = _NETWORK[name]
    return Limits(
        min_len=_whole(numbers.get("minlen")),
        max_len=_whole(numbers.get("maxlen")),
        min_value=numbers.get("minvalue"),
        max_value=numbers.get("maxvalue"),
        choices=choices,
        network=network,
    )


def merged(first: Limits, second: Limits) -> Limits:
    """Return the limits of both; if both have one, that of `first`."""
    return Limits(
        first.min_len if first.min_len is not None else second.min_len,
        first.max_len if first.max_len is not None else second.max_len,
        first.min_value if first.min_value is not None else second.min_value,
        first.max_value if first.max_value is not None else second.max_value,
        first.choices if first.choices is not None else second.choices,
        first.network or second.network,
    )


def _skipped(text: str, position: int) -> int:
    between = _BETWEEN.match(text, position)
    return between.end() if between else position


def _arguments(text: str, position: int, close: str, name: str) -> tuple[list[str], int]:
    """Read the arguments of the qualifier `name` up to `close`; return them and the position of their end."""
    plain = re.compile("[^," + re.escape(close) + "]*")
    found: list[str] = []
    while True:
        position = _blanks(text, position)
        if position < len(text) and text[position] in "\"'":
            quoted = _QUOTED[text[position]].match(text, position)
            if quoted is None:
                raise QualifierSyntaxError(f"{name} has a quote that is not closed")
            found.append(_ESCAPED.sub(r"\1", quoted.group(1)))
            position = _blanks(text, quoted.end())
            if text[position : position + 1] not in (",", close, ""):
                raise QualifierSyntaxError(f"{name} has text between its quoted values")
        else:
            item = plain.match(text, position)
            word = item.group().strip() if item else ""
            position = item.end() if item else position
            if word or text[position : position + 1] == ",":
                found.append(word)
        if position >= len(text):
            raise QualifierSyntaxError(f"{name} is not closed with {close!r}")
        position += 1
        if text[position - 1] == close:
            return found, position


def _blanks(text: str, position: int) -> int:
    while position < len(text) and text[position].isspace():
        position += 1
    return position


def _number(arguments: list[str], name: str, *, whole: bool) -> Decimal:
    from decimal import Decimal, InvalidOperation

    text = arguments[0] if len(arguments) == 1 else ""
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise QualifierSyntaxError(f"{name} needs a number, not {text!r}") from None
    if not value.is_finite() or abs(value.adjusted()) > 400 or (whole and (value < 0 or value != value.to_integral())):
        raise QualifierSyntaxError(f"{name} needs a number, not {text!r}")
    return value


def _whole(value: Decimal | None) -> int | None:
    return None if value is None else int(value)
