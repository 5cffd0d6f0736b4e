"""The part of the iRODS rule language that this zone runs: calls, assignments, if, delay, and expressions.

It serves rule text that clients send (`irule`) and delayed text for the rule language. Text is read into a tree
first, so a mistake anywhere in it means that none of it runs. There are no loops, no pattern matching and no rule
conditions; such text is refused with a line that says where.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Union

from zone.errors import ACTION_ARG_COUNT_MISMATCH, RE_PARSER_ERROR, RE_UNABLE_TO_READ_LOCAL_VAR, IrodsError

Value = Union[str, int, float, None, object]

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
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
_INTERPOLATED = re.compile(r"\\(.)|\*([A-Za-z_]\w*)", re.DOTALL)
_MAX_CALLS = 50
_LEVELS = (("||",), ("&&",), ("==", "!=", "<", ">", "<=", ">="), ("++",), ("+", "-"), ("*", "/", "%"))


@dataclass(frozen=True)
class Token:
    """A piece of rule text: its kind, its text and where it starts."""

    kind: str
    text: str
    start: int


@dataclass(frozen=True)
class Literal:
    """A number, or a string whose *variables are filled in when it is evaluated."""

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
    """delay(condition) { text }: the text is queued as it stands."""

    condition: Node
    text: str


Statement = Union[CallNode, Assign, If, Delay]


@dataclass(frozen=True)
class Rule:
    """NAME(*parameters) { … }; its parameters are those of the caller, and what it sets in them comes back."""

    name: str
    parameters: tuple[str, ...]
    body: tuple[Statement, ...]


def parse(text: str) -> tuple[Rule, ...]:
    """The rules of a text in any of the forms that irule sends; the first is the one to run.

    Statements without a rule around them are a rule without a name. Raises IrodsError(RE_PARSER_ERROR).
    """
    return _Parser(text[len("@external") :] if text.startswith("@external") else text).text()


def run(text: str, scope: Scope) -> None:
    """Parse rule text and run its first rule."""
    rules = parse(text)
    scope.rules = {rule.name: rule for rule in rules}
    scope.run(rules[0].body)


@dataclass
class Scope:
    """Variables, and what rule text can reach: `call(name, values) -> values`, `delay(condition, text)`, $names."""

    call: Callable[[str, list[Value]], list[Value]]
    delay: Callable[[str, str], None]
    session: dict[str, str] = field(default_factory=dict)
    variables: dict[str, Value] = field(default_factory=dict)
    rules: dict[str, Rule] = field(default_factory=dict)
    depth: int = 0

    def run(self, statements: tuple[Statement, ...]) -> None:
        """Run statements in order; the first failure ends them."""
        for statement in statements:
            if isinstance(statement, Assign):
                self.variables[statement.name] = self.evaluate(statement.value)
            elif isinstance(statement, If):
                self.run(statement.then if self.evaluate(statement.condition) else statement.otherwise)
            elif isinstance(statement, Delay):
                self.delay(str(self.evaluate(statement.condition)), statement.text)
            else:
                self.evaluate(statement)

    def evaluate(self, node: Node) -> Value:
        """The value of an expression."""
        if isinstance(node, Literal):
            return self._fill_in(node.value) if isinstance(node.value, str) else node.value
        if isinstance(node, Variable):
            return self._read(node.name)
        if isinstance(node, CallNode):
            return self._call(node)
        return self._operate(node)

    def _read(self, name: str) -> Value:
        known = self.session if name.startswith("$") else self.variables
        if name not in known:
            raise IrodsError(RE_UNABLE_TO_READ_LOCAL_VAR, f"{name} has no value")
        return known[name]

    def _fill_in(self, text: str) -> str:
        def one(found: re.Match[str]) -> str:
            if found[1]:
                return _ESCAPES.get(found[1], found[1])
            return str(self._read("*" + found[2]))

        return _INTERPOLATED.sub(one, text)

    def _call(self, node: CallNode) -> Value:
        if node.name in _FUNCTIONS and len(node.arguments) == 1:
            return _FUNCTIONS[node.name](self.evaluate(node.arguments[0]))
        # A variable without a value may be passed: the callee sets it.
        values = [
            self.variables.get(argument.name)
            if isinstance(argument, Variable) and argument.name.startswith("*")
            else self.evaluate(argument)
            for argument in node.arguments
        ]
        rule = self.rules.get(node.name)
        results = self._call_own(rule, values) if rule else self.call(node.name, values)
        for argument, result in zip(node.arguments, results):
            if isinstance(argument, Variable) and argument.name.startswith("*") and result is not None:
                self.variables[argument.name] = result
        return 0

    def _call_own(self, rule: Rule, values: list[Value]) -> list[Value]:
        if len(values) != len(rule.parameters):
            raise IrodsError(ACTION_ARG_COUNT_MISMATCH, f"{rule.name} takes {len(rule.parameters)} arguments")
        if self.depth >= _MAX_CALLS:
            raise IrodsError(RE_PARSER_ERROR, f"{rule.name} is called too deep")
        given = {name: value for name, value in zip(rule.parameters, values) if value is not None}
        inner = replace(self, variables=given, depth=self.depth + 1)
        inner.run(rule.body)
        return [inner.variables.get(name) for name in rule.parameters]

    def _operate(self, node: Operation) -> Value:
        values = [self.evaluate(operand) for operand in node.operands]
        if len(values) == 1:
            return int(not values[0]) if node.operator == "!" else -_number(values[0])
        left, right = values
        if node.operator == "++":
            return f"{left}{right}"
        if node.operator in ("&&", "||"):
            return int(bool(left) and bool(right)) if node.operator == "&&" else int(bool(left) or bool(right))
        if node.operator in ("==", "!="):
            return int((str(left) == str(right)) == (node.operator == "=="))
        return _ARITHMETIC[node.operator](_number(left), _number(right))


def _number(value: Value) -> int | float:
    if isinstance(value, (int, float)):
        return value
    try:
        return float(str(value)) if "." in str(value) else int(str(value))
    except ValueError:
        raise IrodsError(RE_PARSER_ERROR, f"{value!r} is no number") from None


def _divide(a: int | float, b: int | float) -> int | float:
    if not b:
        raise IrodsError(RE_PARSER_ERROR, "division by zero")
    return a / b


_ARITHMETIC: dict[str, Callable[[int | float, int | float], int | float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": _divide,
    "%": lambda a, b: a - b * int(_divide(a, b)),
    "<": lambda a, b: int(a < b),
    ">": lambda a, b: int(a > b),
    "<=": lambda a, b: int(a <= b),
    ">=": lambda a, b: int(a >= b),
}
_FUNCTIONS: dict[str, Callable[[Value], Value]] = {
    "str": str,
    "int": lambda value: int(_number(value)),
    "double": lambda value: float(_number(value)),
    "strlen": lambda value: len(str(value)),
}


def _tokens(text: str) -> Iterator[Token]:
    position = 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if not found:
            raise IrodsError(RE_PARSER_ERROR, f"rule text cannot be read from {text[position : position + 20]!r}")
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
        if first.kind != "name" or first.text in ("if", "delay"):
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

    def _error(self, token: Token, what: str) -> IrodsError:
        line = self._text.count("\n", 0, token.start) + 1
        return IrodsError(RE_PARSER_ERROR, f"line {line}: {what} at {token.text or 'the end'!r}")

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
        if self._peek().text != "(":
            raise self._error(self._peek(), "expected '(' after a name")
        return CallNode(token.text, self._arguments())

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
        start = self._peek()
        self._block()
        return Delay(condition, self._text[start.start + 1 : self._peek(-1).start].strip())

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
