"""The meaning of a condition's text: "= 'x'", "like 'a%' || like 'b%'", "n> '5'", "between '1' '9'", "in ('a', 'b')" …

A condition becomes tests, each with a SQL template of ours in which {column} stands for the column, and the values to
bind. The operator is looked up, never copied. The oddities are those of the real server: a value extends from the first
quote to the last, so a quote inside needs no escape; `not in` and `not between` do not exist.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from irods_zone.errors import CAT_INVALID_ARGUMENT, CAT_SQL_ERR, IrodsError

_OPERATORS = {
    "=": "=",
    "<": "<",
    ">": ">",
    "<=": "<=",
    ">=": ">=",
    "<>": "<>",
    "!=": "<>",
}
_IN = ("in", "IN")
_LIKE = " LIKE ? ESCAPE '\\'"
_NUMERIC = re.compile(r"\s*n(?=[<>=])")
_QUOTED = re.compile(r"'([^']*)'")
_CONNECTOR = re.compile(r"\|\||&&")
_HEX_QUOTE = re.compile(r"\\x27")
# The longest text that a real server takes for an operator; longer text before the first quote is refused.
_OPERATOR_LENGTH = 10
_OPERATOR_WORDS = re.compile(r"begin_of|parent_of|not|NOT|between|BETWEEN|like|LIKE|in|IN|[<>=! ]")


class Buffer(Enum):
    """The buffer of a real server that holds the values of a test."""

    VALUE = "compared"
    LIST = "in"
    OTHER = "no buffer of a fixed size"


@dataclass(frozen=True)
class Test:
    """One comparison. `connector` joins it to the test before it (OR, AND, or nothing for the first)."""

    connector: str
    template: str
    values: tuple[str, ...]
    buffer: Buffer = Buffer.VALUE


@dataclass(frozen=True)
class Condition:
    """A condition on one column, as tests that SQL combines by its precedence of AND over OR.

    size: bytes of its text; kept: the bytes of all its parts but the last, each with a NUL.
    """

    tests: tuple[Test, ...]
    size: int = 0
    kept: int = 0


def parse_condition(text: str, *, upper: bool = False) -> Condition:
    """The tests of a condition; IrodsError(CAT_INVALID_ARGUMENT) if a real server would refuse it.

    upper: compare with the column in upper case (the option UPPER_CASE_WHERE); the value is used as sent.
    """
    numeric = _NUMERIC.match(text)
    if numeric:
        text = text[numeric.end() :]
        column = "irods_number({column})"
    else:
        column = "irods_upper({column})" if upper else "{column}"
    tests = []
    parts = _parts(text)
    for connector, part in parts:
        template, values = _test(part, "irods_number(?)" if numeric else "?")
        buffer = Buffer.LIST if part.lstrip(" ").startswith(_IN) else Buffer.OTHER if len(values) > 1 else Buffer.VALUE
        tests.append(Test(connector, template.replace("{column}", column), values, buffer))
    return Condition(tuple(tests), _size(text), sum(_size(part) + 1 for _, part in parts[:-1]))


def _parts(text: str) -> list[tuple[str, str]]:
    """(connector, part): the text split at || and && outside quotes."""
    masked = _QUOTED.sub(lambda match: "'" + " " * len(match[1]) + "'", text)
    parts, start, connector = [], 0, ""
    for match in _CONNECTOR.finditer(masked):
        parts.append((connector, text[start : match.start()]))
        start, connector = match.end(), "OR" if match[0] == "||" else "AND"
    parts.append((connector, text[start:]))
    return parts


def _test(text: str, mark: str) -> tuple[str, tuple[str, ...]]:
    """(template, values) of one comparison."""
    stripped = text.lstrip(" ")
    if stripped.startswith(_IN):
        values = tuple(_value(value) for value in _QUOTED.findall(text))
        if not values:
            raise IrodsError(CAT_INVALID_ARGUMENT, f"no value in the condition {text}")
        return "{column} IN (" + ", ".join([mark] * len(values)) + ")", values
    if stripped.startswith(("between", "BETWEEN")):
        values = tuple(_value(value) for value in _QUOTED.findall(text))
        if len(values) != 2:
            raise IrodsError(CAT_INVALID_ARGUMENT, f"between needs two values: {text}")
        return "{column} BETWEEN " + mark + " AND " + mark, values
    if stripped in ("IS NULL", "IS NOT NULL"):
        return "{column} " + stripped, ()
    first, last = text.find("'"), text.rfind("'")
    if first == last:
        raise IrodsError(CAT_INVALID_ARGUMENT, f"no value in quotes in the condition {text}")
    if first > _OPERATOR_LENGTH:
        raise IrodsError(CAT_INVALID_ARGUMENT, f"not an operator: {text[:first]}")
    return _comparison(text[:first], _value(text[first + 1 : last]), mark)


def _comparison(operator: str, value: str, mark: str) -> tuple[str, tuple[str, ...]]:
    words = operator.split()
    joined = " ".join(words)
    if "begin_of" in operator:
        return "({column} = substr(?, 1, length({column})) AND length({column}) > 0)", (value,)
    if "parent_of" in operator:
        paths = _ancestors(value)
        return "{column} IN (" + ", ".join("?" * len(paths)) + ")", paths
    if joined in _OPERATORS:
        return "{column} " + _OPERATORS[joined] + " " + mark, (value,)
    if joined in ("like", "LIKE"):
        return "{column}" + _LIKE, (value,)
    if len(words) == 2 and words[0] in ("not", "NOT") and words[1] in ("like", "LIKE"):
        return "{column} NOT" + _LIKE, (value,)
    if _OPERATOR_WORDS.sub("", operator):
        raise IrodsError(CAT_INVALID_ARGUMENT, f"not an operator: {joined}")
    # Made of parts of operators, but not an operator: a real server lets PostgreSQL report that.
    raise IrodsError(CAT_SQL_ERR, f"not an operator: {joined}")


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogateescape"))


def _value(text: str) -> str:
    return _HEX_QUOTE.sub("'", text)


def _ancestors(path: str) -> tuple[str, ...]:
    """The path and all collections above it: /a/b gives /, /a and /a/b."""
    names = [name for name in path.split("/") if name]
    paths = ["/" + "/".join(names[:count]) for count in range(len(names) + 1)]
    if not path.startswith("/"):
        paths = [ancestor.lstrip("/") for ancestor in paths[1:]] or [""]
    if path.endswith("/") and names:
        paths.append(path)
    return tuple(paths)
