"""The table of microservices, which the modules of this package fill, and the parameters of a microservice.

A microservice gets the session and its parameters, calls the zone's operations, and sets output parameters. It raises
IrodsError to fail. irods_zone.prep.callback passes failures and results to the rule.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from irods_zone.errors import INVALID_ANY_CAST, SYS_NULL_INPUT, USER_PARAM_TYPE_ERR, IrodsError
from irods_zone.session import Session


class Parameter:
    """One argument of a call. Whether it was given as text decides which output it can take (see `result`)."""

    def __init__(self, value: Any) -> None:
        self.given = value
        self.value = value

    def text(self) -> str:
        """The value as text; fails for a structure, as a real microservice does."""
        if isinstance(self.value, str):
            return self.value
        raise IrodsError(USER_PARAM_TYPE_ERR)

    def optional_text(self) -> str:
        """Like text(), with "null" and a missing value (the integer 0 or None) as the empty text."""
        if self.value in (0, None, "null"):
            return ""
        return self.text()

    def integer(self) -> int:
        """A non-negative integer, given as an integer or as text."""
        value = self.value
        if isinstance(value, bool) or value is None or value == "null":
            raise IrodsError(SYS_NULL_INPUT)
        if isinstance(value, str):
            digits = value.strip()
            value = int(digits) if digits.lstrip("+-").isdigit() else 0
        if not isinstance(value, int):
            raise IrodsError(USER_PARAM_TYPE_ERR)
        return value

    def set(self, value: Any) -> None:
        """Set an output."""
        self.value = value

    def result(self) -> Any:
        """The value that the caller sees in `arguments`.

        PREP passes texts and other values to microservices in different ways. So a text output fills only an argument
        that was given as text, and any other output into such an argument fails.
        """
        if self.value is self.given:
            return self.given
        if isinstance(self.value, str):
            return self.value if isinstance(self.given, str) else self.given
        if isinstance(self.given, str):
            raise IrodsError(INVALID_ANY_CAST, "boost::bad_any_cast: failed conversion using boost::any_cast")
        return self.value


Implementation = Callable[[Session, Sequence[Parameter]], None]


@dataclass(frozen=True)
class Microservice:
    """A microservice: its name, how many arguments it takes, and what it does."""

    name: str
    arity: int
    run: Implementation

    def __call__(self, session: Session, parameters: Sequence[Parameter]) -> None:
        """Run it, and note it if the zone keeps a trace."""
        if session.trace is None:
            self.run(session, parameters)
        else:
            given = [parameter.given for parameter in parameters]
            session.trace.call(self.name, given, lambda: self.run(session, parameters))


TABLE: dict[str, Microservice] = {}


def microservice(name: str, arity: int) -> Callable[[Implementation], Implementation]:
    """Enter the decorated function in the table."""

    def enter(function: Implementation) -> Implementation:
        TABLE[name] = Microservice(name, arity, function)
        return function

    return enter
