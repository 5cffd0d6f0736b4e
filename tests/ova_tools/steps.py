"""Counts the work of ova_tools in steps and not in seconds: a copy of the package that counts while it runs.

A step is a call of one of its functions or an iteration of a loop. The result of a slice, a call or a sum counts with
its length, and so does a searched sequence: so code that copies its input for each part is detected, although C copies.
Failed attempts of a pattern are not counted; test_bounds.py tests the patterns that could try too often.
"""

from __future__ import annotations

import ast
import importlib.abc
import importlib.machinery
import importlib.util
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, TypeVar

import ova_tools

_T = TypeVar("_T")
_COPY = "counted_ova_tools"
_SOURCE = Path(ova_tools.__file__).parent
_CHARACTERS = 16  # of a text that are copied in a step
_KEEPERS = {"get", "pop", "setdefault"}  # methods that give what was there already
_COPIERS = {"dict", "frozenset", "set"}  # builtins whose results are counted too; other dicts and sets are not copies


class TooManySteps(BaseException):
    """The steps of one run went over its limit; no code under test catches it."""


class Counter:
    """The steps since `start`. `limit` ends what would never end."""

    def __init__(self) -> None:
        self.steps, self.limit = 0, sys.maxsize

    def start(self, limit: int) -> None:
        """Begin at none."""
        self.steps, self.limit = 0, limit

    def add(self, count: int = 1) -> None:
        """Note `count` further steps."""
        self.steps += count
        if self.steps > self.limit:
            raise TooManySteps(f"more than {self.limit} steps")

    def sized(self, value: _T) -> _T:
        """`value` itself, after its length is noted."""
        if isinstance(value, (list, tuple)):
            self.add(len(value) + sum(len(each) for each in value if isinstance(each, (str, bytes))) // _CHARACTERS)
        elif isinstance(value, (str, bytes, bytearray)):
            self.add(len(value) // _CHARACTERS)
        elif isinstance(value, re.Match):
            self.add((value.end() - value.start()) // _CHARACTERS)
        return value

    def copied(self, value: _T) -> _T:
        """As `sized`, for what has just been made of something else."""
        if isinstance(value, (dict, set, frozenset)):
            self.add(len(value))
        return value

    def searched(self, value: _T) -> _T:
        """`value` itself, which is to be searched from one end to the other if it is a sequence."""
        return self.sized(value) if isinstance(value, Sequence) else value

    def each(self, values: Iterable[_T]) -> Iterator[_T]:
        """Yield `values`, and note each."""
        for value in values:
            self.add()
            yield value


counter = Counter()


def counted(module: str) -> Any:
    """The module of that name in the copy that counts."""
    return import_module(f"{_COPY}.{module}")


class _Instrument(ast.NodeTransformer):
    """Puts the counter into a module."""

    @staticmethod
    def _through(method: str, node: ast.expr) -> ast.expr:
        function = ast.Attribute(ast.Name("_steps", ast.Load()), method, ast.Load())
        return ast.copy_location(ast.Call(function, [node], []), node)

    @staticmethod
    def _step() -> ast.stmt:
        return ast.Expr(ast.Call(ast.Attribute(ast.Name("_steps", ast.Load()), "add", ast.Load()), [], []))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        node.body.insert(0, self._step())
        return node

    def visit_While(self, node: ast.While) -> ast.AST:
        self.generic_visit(node)
        node.body.insert(0, self._step())
        return node

    def visit_For(self, node: ast.For) -> ast.AST:
        self.generic_visit(node)
        node.iter = self._through("each", node.iter)
        return node

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        self.generic_visit(node)
        node.iter = self._through("each", node.iter)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Attribute) and node.func.attr in _KEEPERS:
            return node
        copier = isinstance(node.func, ast.Name) and node.func.id in _COPIERS
        return self._through("copied" if copier else "sized", node)

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        self.generic_visit(node)
        part = isinstance(node.slice, ast.Slice) and isinstance(node.ctx, ast.Load)
        return self._through("sized", node) if part else node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        return self._through("sized", node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        self.generic_visit(node)
        return self._through("sized", node)

    def visit_FormattedValue(self, node: ast.FormattedValue) -> ast.AST:
        node.value = self.visit(node.value)  # its format is a text that must stay one
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        node.comparators = [
            self._through("searched", each) if isinstance(how, (ast.In, ast.NotIn)) else each
            for how, each in zip(node.ops, node.comparators)
        ]
        return node


class _Loader(importlib.machinery.SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType:
        tree = _Instrument().visit(ast.parse(self.get_data(self.path)))
        code: CodeType = compile(ast.fix_missing_locations(tree), self.path, "exec")
        return code

    def exec_module(self, module: ModuleType) -> None:
        vars(module)["_steps"] = counter
        super().exec_module(module)


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, fullname: str, path: object, target: object = None) -> importlib.machinery.ModuleSpec | None:
        package, _, name = fullname.partition(".")
        if package != _COPY:
            return None
        file = str(_SOURCE / f"{name or '__init__'}.py")
        places = None if name else [str(_SOURCE)]
        return importlib.util.spec_from_file_location(
            fullname, file, loader=_Loader(fullname, file), submodule_search_locations=places
        )


sys.meta_path.insert(0, _Finder())
