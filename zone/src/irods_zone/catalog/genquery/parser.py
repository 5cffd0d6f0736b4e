"""Reads a query from text: SELECT A, count(B) WHERE C = 'x' AND D like 'y%' || like 'z%' (iquest, rules).

The grammar is that of iRODS 5 (lib/genquery1): conditions are kept as text, literals are unquoted ('' and \\x27 are a
quote) and quoted again. Judges only syntax, not the meaning of conditions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from irods_zone.catalog.genquery.columns import BY_NAME, COLUMNS
from irods_zone.catalog.genquery.query import DEFAULT_ROWS, Aggregate, GenQuery, Order, aggregate_of
from irods_zone.errors import (
    INPUT_ARG_NOT_WELL_FORMED_ERR,
    INVALID_GENQUERY_AGGREGATE_FUNCTION,
    NO_COLUMN_NAME_FOUND,
    IrodsError,
)

_TOKEN = re.compile(
    r"(?P<space>[ \t\n]+)"
    r"|(?P<string>'(?:''|[^'])*')"
    r"|(?P<operator><=|>=|<>|!=|=|<|>|\|\||&&|,|\(|\))"
    r"|(?P<word>[A-Za-z][A-Za-z0-9_]*)"
)
_ESCAPE = re.compile(r"''|\\x([0-9A-Fa-f]{2})")
_KEYWORDS = frozenset({"select", "where", "like", "in", "between", "and", "not", "begin_of", "parent_of"})
_COMPARISONS = {"=": "=", "!=": "!=", "<>": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_FUNCTIONS: dict[str, int] = {
    "order": Order.ASCENDING,
    "order_asc": Order.ASCENDING,
    "order_desc": Order.DESCENDING,
    **{aggregate.name.lower(): aggregate for aggregate in Aggregate},
}


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    position: int


def parse(text: str, *, max_rows: int = DEFAULT_ROWS) -> GenQuery:
    """The query in a text.

    IrodsError: INPUT_ARG_NOT_WELL_FORMED_ERR (syntax), NO_COLUMN_NAME_FOUND, INVALID_GENQUERY_AGGREGATE_FUNCTION.
    """
    return _Parser(text).query(max_rows)


def describe(query: GenQuery) -> str:
    """The text of a query, without the orders of its columns."""

    def name(number: int) -> str:
        return COLUMNS[number].name if number in COLUMNS else str(number)

    selected = []
    for number, option in query.selects:
        function = aggregate_of(option)
        selected.append(f"{function.name.lower()}({name(number)})" if function else name(number))
    conditions = [f"{name(number)} {text}" for number, text in query.conditions]
    where = " WHERE " + " AND ".join(conditions) if conditions else ""
    return "SELECT " + ", ".join(selected) + where


def _tokens(text: str) -> Iterator[_Token]:
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if not match:
            raise _syntax(f"'{text[position]}' was not expected", position)
        kind = str(match.lastgroup)
        word = match[0]
        if kind == "string":
            yield _Token("string", _unquote(word), position)
        elif kind == "word" and word.lower() in _KEYWORDS:
            yield _Token(word.lower(), word, position)
        elif kind != "space":
            yield _Token(kind if kind == "word" else word, word, position)
        position = match.end()
    yield _Token("end", "the end", len(text))


def _unquote(literal: str) -> str:
    # \xNN stands for a byte; several of them may form one character.
    body = literal[1:-1].encode("utf-8", "surrogateescape").decode("latin-1")
    plain = _ESCAPE.sub(lambda match: chr(int(match[1], 16)) if match[1] else "'", body)
    return plain.encode("latin-1").decode("utf-8", "surrogateescape")


def _syntax(message: str, position: int) -> IrodsError:
    return IrodsError(
        INPUT_ARG_NOT_WELL_FORMED_ERR, f"syntax error in the query: {message}, at character {position + 1}"
    )


class _Parser:
    """Recursive descent over the tokens of one text."""

    def __init__(self, text: str) -> None:
        self._rest = _tokens(text)
        self._next = next(self._rest)

    def query(self, max_rows: int) -> GenQuery:
        self._take("select")
        selects = [self._projection()]
        while self._accept(","):
            selects.append(self._projection())
        conditions: list[tuple[int, str]] = []
        if self._accept("where"):
            conditions.append(self._condition())
            while self._accept("and"):
                conditions.append(self._condition())
        self._take("end")
        return GenQuery(selects, conditions, max_rows)

    def _projection(self) -> tuple[int, int]:
        name = self._take("word").text
        if not self._accept("("):
            return _column(name), 1
        column = _column(self._take("word").text)
        self._take(")")
        if name.lower() not in _FUNCTIONS:
            raise IrodsError(INVALID_GENQUERY_AGGREGATE_FUNCTION, f"'{name}' is no function of GenQuery")
        return column, int(_FUNCTIONS[name.lower()])

    def _condition(self) -> tuple[int, str]:
        name = self._take("word").text
        text = self._expression()
        while self._next.kind in ("||", "&&"):
            text += f" {self._advance().kind} {self._expression()}"
        return _column(name), text

    def _expression(self) -> str:
        token = self._advance()
        if token.kind in _COMPARISONS:
            return f"{_COMPARISONS[token.kind]} {self._literal()}"
        if token.kind in ("like", "begin_of", "parent_of"):
            return f"{token.kind} {self._literal()}"
        if token.kind == "not":
            self._take("like")
            return f"not like {self._literal()}"
        if token.kind == "between":
            return f"between {self._literal()} {self._literal()}"
        if token.kind == "in":
            if not self._accept("("):
                return f"in {self._literals()}"
            inside = self._literals()
            self._take(")")
            return f"in ({inside})"
        raise _syntax(f"a condition was expected, not {token.text}", token.position)

    def _literals(self) -> str:
        literals = [self._literal()]
        while self._accept(","):
            literals.append(self._literal())
        return ", ".join(literals)

    def _literal(self) -> str:
        return f"'{self._take('string').text}'"

    def _advance(self) -> _Token:
        token = self._next
        if token.kind != "end":
            self._next = next(self._rest)
        return token

    def _accept(self, kind: str) -> bool:
        if self._next.kind != kind:
            return False
        self._advance()
        return True

    def _take(self, kind: str) -> _Token:
        token = self._next
        if token.kind != kind:
            expected = {"word": "a name", "string": "a text in quotes", "end": "the end"}.get(kind, f"'{kind}'")
            raise _syntax(f"{expected} was expected, not {token.text}", token.position)
        return self._advance()


def _column(name: str) -> int:
    column = BY_NAME.get(name)
    if column is None:
        raise IrodsError(NO_COLUMN_NAME_FOUND, f"column [{name}] not supported")
    return column.number
