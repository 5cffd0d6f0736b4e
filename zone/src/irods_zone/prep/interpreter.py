"""Runs rule language trees: variables, expressions, calls. The caller of this module implements the calls."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Union

from irods_zone.errors import ACTION_ARG_COUNT_MISMATCH, RE_PARSER_ERROR, RE_UNABLE_TO_READ_LOCAL_VAR, IrodsError
from irods_zone.prep.language import (
    Assign,
    CallNode,
    Delay,
    If,
    Literal,
    Node,
    Operation,
    Remote,
    Rule,
    Statement,
    Variable,
    parse,
)

Value = Union[str, int, float, None, object]

_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
_INTERPOLATED = re.compile(r"\\(.)|\*([A-Za-z_]\w*)", re.DOTALL)
_MAX_CALLS = 50


@dataclass
class Scope:
    """Variables, and the functions for rule text: `call(name, values) -> values`, `delay(condition, text)`,
    `remote(host, condition, text, variables) -> variables`, $names.
    """

    call: Callable[[str, list[Value]], list[Value]]
    delay: Callable[[str, str], None]
    remote: Callable[[str, str, str, dict[str, Value]], dict[str, Value]]
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
            elif isinstance(statement, Remote):
                host, condition = self.evaluate(statement.host), self.evaluate(statement.condition)
                self.variables.update(self.remote(str(host), str(condition), statement.text, self.variables))
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
        def replacement(found: re.Match[str]) -> str:
            if found[1]:
                return _ESCAPES.get(found[1], found[1])
            return str(self._read("*" + found[2]))

        return _INTERPOLATED.sub(replacement, text)

    def _call(self, node: CallNode) -> Value:
        if node.name in _FUNCTIONS and len(node.arguments) == 1:
            return _FUNCTIONS[node.name](self.evaluate(node.arguments[0]))
        # A variable without a value may be an argument: the callee sets it.
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


def run(text: str, scope: Scope, *, statements: bool = True) -> None:
    """Parse rule text and run its first rule; `statements` alone may be refused (RE_PARSER_ERROR)."""
    rules = parse(text)
    if not statements and not rules[0].name:
        raise IrodsError(RE_PARSER_ERROR, "there is no rule around the statements")
    scope.rules = {rule.name: rule for rule in rules}
    scope.run(rules[0].body)
