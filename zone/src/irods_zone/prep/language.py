"""Reads the part of the iRODS rule language that this zone runs: calls, assignments, if, delay, remote, and
expressions.

It serves rule text that clients send (`irule`) and delayed text for the rule language. Text is first read into a tree,
so that a mistake anywhere means that nothing runs. There are no loops, no pattern matching and no rule conditions; such
text is refused with an error that names the line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Union

from irods_zone.errors import RE_PARSER_ERROR, IrodsError

_TOKEN = re.compile(
    r"""
    (?P<space>\s+|\#[^\n]*)
  | (?P<number>\d+(?:\.\d+)?)
  | (?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
  | (?P<variable>\*[A-Za-z_]\w*)
  | (?P<session>\$[A-Za-z_]\w*)
  | (?P<name>[A-Za-z_]\w*)
  | (?P<operator>\+\+|==|!=|<=|>=|&&|\|\||[-+*/%<>!=(){},;])
    """,
    re.VERBOSE,
)
_LONGEST_LITERAL = 1023  # of a real server's parser
_LEVELS = (("||",), ("&&",), ("==", "!=", "<", ">", "<=", ">="), ("++",), ("+", "-"), ("*", "/", "%"))


@dataclass(frozen=True)
class Token:
    """A piece of rule text: its kind, its text and where it starts."""

    kind: str
    text: str
    start: int


@dataclass(frozen=True)
class Literal:
    """A number, or a string whose *variables are replaced when it is evaluated."""

    value: int | float | str


@dataclass(frozen=True)
class Variable:
    """*name or $name, with its first character."""

    name: str


@dataclass(frozen=True)
class CallNode:
    """NAME(arguments), as a statement or in an expression."""

    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True)
class Operation:
    """An operator between two expressions, or ! and - before one."""

    operator: str
    operands: tuple[Node, ...]


Node = Union[Literal, Variable, CallNode, Operation]


@dataclass(frozen=True)
class Assign:
    """*name = expression."""

    name: str
    value: Node


@dataclass(frozen=True)
class If:
    """if (condition) { … } else { … }."""

    condition: Node
    then: tuple[Statement, ...]
    otherwise: tuple[Statement, ...]


@dataclass(frozen=True)
class Delay:
    """delay(condition) { text }: the text is queued unchanged."""

    condition: Node
    text: str


@dataclass(frozen=True)
class Remote:
    """remote(host, condition) { text }: the text runs on another server."""

    host: Node
    condition: Node
    text: str


Statement = Union[CallNode, Assign, If, Delay, Remote]


@dataclass(frozen=True)
class Rule:
    """NAME(*parameters) { … }; its parameters are the caller's variables, so the caller sees what it sets."""

    name: str
    parameters: tuple[str, ...]
    body: tuple[Statement, ...]


def parse(text: str) -> tuple[Rule, ...]:
    """The rules of a text in any of the forms that irule sends; the first one runs.

    Statements without a rule form a rule without a name. Raises IrodsError(RE_PARSER_ERROR).
    """
    return _Parser(text[len("@external") :] if text.startswith("@external") else text).text()


def _tokens(text: str) -> Iterator[Token]:
    position = 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if not found:
            raise IrodsError(RE_PARSER_ERROR, f"rule text cannot be read from {text[position : position + 20]!r}")
        if found.lastgroup == "string" and len(found.group()) > _LONGEST_LITERAL + 2:
            raise IrodsError(RE_PARSER_ERROR, f"a literal of more than {_LONGEST_LITERAL} characters")
        if found.lastgroup != "space":
            yield Token(found.lastgroup or "", found.group(), position)
        position = found.end()
    yield Token("end", "", len(text))


class _Parser:
    """Reads statements by recursive descent."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(_tokens(text))
        self._next = 0
        self._depth = 0

    def text(self) -> tuple[Rule, ...]:
        """Either rules, or statements alone."""
        found: list[Rule] = []
        while (rule := self._rule()) is not None:
            found.append(rule)
        if found and self._peek().kind != "end":
            raise self._error(self._peek(), "expected a rule")
        return tuple(found) or (Rule("", (), self._statements("")),)

    def _rule(self) -> Rule | None:
        first, mark = self._peek(), self._next
        if first.kind != "name" or first.text in ("if", "delay", "remote"):
            return None
        self._next += 1
        parameters: list[str] = []
        if self._peek().text == "(":
            self._next += 1
            while self._peek().kind == "variable" or self._peek().text == ",":
                token = self._take()
                if token.kind == "variable":
                    parameters.append(token.text)
            if self._peek().text == ")":
                self._next += 1
        if self._peek().text != "{":
            self._next = mark
            return None
        return Rule(first.text, tuple(parameters), self._block())

    def _peek(self, ahead: int = 0) -> Token:
        return self._tokens[min(self._next + ahead, len(self._tokens) - 1)]

    def _take(self, text: str = "") -> Token:
        token = self._peek()
        if text and token.text != text:
            raise self._error(token, f"expected {text!r}")
        self._next += 1
        return token

    def _error(self, token: Token, message: str) -> IrodsError:
        line = self._text.count("\n", 0, token.start) + 1
        return IrodsError(RE_PARSER_ERROR, f"line {line}: {message} at {token.text or 'the end'!r}")

    def _block(self) -> tuple[Statement, ...]:
        self._take("{")
        self._depth += 1
        if self._depth > 50:
            raise self._error(self._peek(), "blocks nest too deep")
        statements = self._statements("}")
        self._depth -= 1
        self._take("}")
        return statements

    def _statements(self, end: str) -> tuple[Statement, ...]:
        found: list[Statement] = []
        while self._peek().text != end or (not end and self._peek().kind != "end"):
            if self._peek().text == ";":
                self._next += 1
            elif self._peek().kind == "end":
                raise self._error(self._peek(), f"expected {end!r}")
            elif self._peek().text == "{":
                found.extend(self._block())
            else:
                found.append(self._statement())
        return tuple(found)

    def _statement(self) -> Statement:
        token = self._take()
        if token.kind == "variable":
            self._take("=")
            return Assign(token.text, self._expression())
        if token.kind != "name":
            raise self._error(token, "expected a statement")
        if token.text == "if":
            return self._if()
        if token.text == "delay":
            return self._delay()
        if token.text == "remote":
            return self._remote()
        return CallNode(token.text, self._arguments() if self._peek().text == "(" else ())

    def _if(self) -> If:
        self._take("(")
        condition = self._expression()
        self._take(")")
        then = self._block()
        otherwise: tuple[Statement, ...] = ()
        if self._peek().text == "else":
            self._next += 1
            otherwise = (self._statement(),) if self._peek().text == "if" else self._block()
        return If(condition, then, otherwise)

    def _delay(self) -> Delay:
        self._take("(")
        condition = self._expression()
        self._take(")")
        return Delay(condition, self._block_text().lstrip())

    def _remote(self) -> Remote:
        self._take("(")
        host = self._expression()
        self._take(",")
        condition = self._expression()
        self._take(")")
        return Remote(host, condition, self._block_text().strip())

    def _block_text(self) -> str:
        start = self._peek()
        self._block()
        return self._text[start.start + 1 : self._peek(-1).start]

    def _arguments(self) -> tuple[Node, ...]:
        self._take("(")
        found: list[Node] = []
        while self._peek().text != ")":
            found.append(self._expression())
            if self._peek().text != ")":
                self._take(",")
        self._take(")")
        return tuple(found)

    def _expression(self, level: int = 0) -> Node:
        if level == len(_LEVELS):
            return self._operand()
        node = self._expression(level + 1)
        while self._peek().text in _LEVELS[level]:
            operator = self._take().text
            node = Operation(operator, (node, self._expression(level + 1)))
        return node

    def _operand(self) -> Node:
        self._depth += 1
        if self._depth > 50:
            raise self._error(self._peek(), "expressions nest too deep")
        try:
            return self._simple()
        finally:
            self._depth -= 1

    def _simple(self) -> Node:
        token = self._take()
        if token.kind == "number":
            return Literal(float(token.text) if "." in token.text else int(token.text))
        if token.kind == "string":
            return Literal(token.text[1:-1])
        if token.kind in ("variable", "session"):
            return Variable(token.text)
        if token.kind == "name" and self._peek().text == "(":
            return CallNode(token.text, self._arguments())
        if token.kind == "name" and token.text in ("true", "false"):
            return Literal(int(token.text == "true"))
        if token.text in ("!", "-"):
            return Operation(token.text, (self._operand(),))
        if token.text == "(":
            node = self._expression()
            self._take(")")
            return node
        raise self._error(token, "expected a value")
