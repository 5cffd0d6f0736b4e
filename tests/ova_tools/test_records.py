"""Records behave like `dataclasses`: the same classes, made by both, are tested in the same way."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from typing import Any

import pytest

from ova_tools import records


def made_with(module: Any) -> dict[str, Any]:
    """The same four classes, once by `dataclasses` and once by `records`."""

    @module.dataclass(frozen=True)
    class Frozen:
        a: int
        b: str = "b"
        c: dict[str, int] = module.field(default_factory=dict, hash=False)
        secret: str = module.field(default="s", repr=False, compare=False)

    @module.dataclass(frozen=True)
    class Below(Frozen):
        d: int = 4

    @module.dataclass(frozen=True, order=True)
    class Ordered:
        x: int
        y: str

    @module.dataclass
    class Loose:
        values: list[int] = module.field(default_factory=list)

    return {each.__name__: each for each in (Frozen, Below, Ordered, Loose)}


QUESTIONS: dict[str, Callable[[dict[str, Any]], object]] = {
    "repr": lambda of: repr(of["Frozen"](1, c={"k": 2})).rpartition(".")[2],
    "repr of what inherits": lambda of: repr(of["Below"](1, d=5)).rpartition(".")[2],
    "defaults": lambda of: vars(of["Below"](1)),
    "by name": lambda of: vars(of["Frozen"](b="x", a=2)),
    "equal": lambda of: of["Frozen"](1, secret="x") == of["Frozen"](1, secret="y"),
    "unequal": lambda of: of["Frozen"](1) == of["Frozen"](2),
    "another class": lambda of: of["Frozen"](1) == of["Below"](1),
    "no record": lambda of: of["Frozen"](1) == 1,
    "hash": lambda of: hash(of["Frozen"](1, c={"k": 2})) == hash(of["Frozen"](1, c={"k": 3})),
    "not hashable": lambda of: hash(of["Loose"]()),
    "each has its own default": lambda of: of["Loose"]().values is of["Loose"]().values,
    "changed": lambda of: setattr(of["Loose"](), "values", [1]),
    "frozen": lambda of: setattr(of["Frozen"](1), "a", 2),
    "frozen, removed": lambda of: delattr(of["Frozen"](1), "a"),
    "missing": lambda of: of["Frozen"](),
    "too many": lambda of: of["Ordered"](1, "y", 3),
    "twice": lambda of: of["Ordered"](1, x=1),
    "unknown": lambda of: of["Ordered"](1, z=1),
    "sorted": lambda of: [
        vars(each) for each in sorted(of["Ordered"](x, y) for x, y in [(2, "a"), (1, "b"), (1, "a")])
    ],
    "at most": lambda of: of["Ordered"](1, "a") <= of["Ordered"](1, "a"),
    "not ordered": lambda of: of["Frozen"](1) < of["Frozen"](2),
    "order of another class": lambda of: of["Ordered"](1, "a") < 1,
}
if sys.version_info >= (3, 10):  # Python 3.9 has no pattern matching
    QUESTIONS["matched"] = lambda of: of["Below"].__match_args__


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_record_answers_as_a_dataclass(question: str) -> None:
    def answer(module: Any) -> object:
        try:
            return QUESTIONS[question](made_with(module))
        except (TypeError, AttributeError) as error:
            return [kind for kind in (TypeError, AttributeError) if isinstance(error, kind)]

    assert answer(records) == answer(dataclasses)


@pytest.mark.parametrize("function", ["replace", "asdict"])
def test_functions_of_records_do_as_those_of_dataclasses(function: str) -> None:
    def answer(module: Any) -> object:
        record = made_with(module)["Below"](1, "x", {"k": 1}, d=9)
        return vars(module.replace(record, a=7)) if function == "replace" else module.asdict(record)

    assert answer(records) == answer(dataclasses)
