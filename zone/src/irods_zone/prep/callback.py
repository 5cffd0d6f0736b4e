"""`callback`, the second argument of every rule: `callback.NAME(args…)` calls a rule or a microservice by name.

The shapes are PREP's: a dict of code, status and arguments, or a RuntimeError that holds `[iRods__Error__Code:N]`.
"""

from __future__ import annotations

import re
from typing import Any, Protocol

from irods_zone.errors import CAT_NO_ROWS_FOUND, INVALID_ANY_CAST, IrodsError
from irods_zone.prep import microservices
from irods_zone.session import Session

ERROR_CODE = re.compile(r"\[iRods__Error__Code:(-?\d+)\]")


def code_in(text: str) -> int | None:
    """The iRODS code in an error text that came from a callback, if any."""
    found = ERROR_CODE.search(text)
    return int(found.group(1)) if found else None


def failure(code: int, message: str) -> RuntimeError:
    """The exception that a rule sees when its call has failed."""
    return RuntimeError(f"[iRods__Error__Code:{code}] {message}")


class CoreRules(Protocol):
    """The rules of core."""

    def knows(self, name: str) -> bool:
        """Whether core has a rule of this name."""

    def call(self, name: str, arguments: list[Any]) -> int:
        """Run a rule, which may change its arguments. Returns its code."""


class Callback:
    """Any attribute is callable; whether it exists shows only in the call."""

    __slots__ = ("__rules", "__session")

    def __init__(self, rules: CoreRules, session: Session) -> None:
        self.__rules = rules
        self.__session = session

    def __getattr__(self, name: str) -> RuleCall:
        if name.startswith("__"):
            raise AttributeError(name)
        return RuleCall(self.__rules, self.__session, name)


class RuleCall:
    """One name, ready to be called."""

    __slots__ = ("_name", "_rules", "_session")

    def __init__(self, rules: CoreRules, session: Session, name: str) -> None:
        self._rules = rules
        self._session = session
        self._name = name

    def __call__(self, *arguments: Any) -> dict[str, Any]:
        """Call the rule of this name in core, else the microservice."""
        if self._rules.knows(self._name):
            return self._call_rule(list(arguments))
        return self._call_microservice(arguments)

    def _call_rule(self, arguments: list[Any]) -> dict[str, Any]:
        given = list(arguments)
        try:
            code = self._rules.call(self._name, arguments)
        except IrodsError as error:
            raise failure(error.code, error.message) from None
        results = [
            new if isinstance(old, str) and isinstance(new, str) else old
            for old, new in zip(given, arguments + given[len(arguments) :])
        ]
        return {"code": code, "status": True, "arguments": results}

    def _call_microservice(self, arguments: tuple[Any, ...]) -> dict[str, Any]:
        try:
            service, parameters = microservices.prepare(self._session, self._name, arguments)
        except IrodsError as error:
            raise failure(error.code, error.message) from None
        code = 0
        try:
            service(self._session, parameters)
        except IrodsError as error:
            if error.code != CAT_NO_ROWS_FOUND:
                raise failure(error.code, f"{self._name} failed: {error}") from None
            code = error.code
        try:
            results = [parameter.result() for parameter in parameters]
        except IrodsError as error:
            if error.code == INVALID_ANY_CAST:
                raise RuntimeError(error.message) from None
            raise
        return {"code": code, "status": code >= 0, "arguments": results}
