"""A refusal that comes with a JSON value for the client: which part of a request was refused, what a check found."""

from __future__ import annotations

from typing import Any

from zone.errors import IrodsError


class DetailedError(IrodsError):
    """An operation was refused; `details` goes into the reply's output."""

    def __init__(self, code: int, details: Any, message: str = "") -> None:
        super().__init__(code, message)
        self.details = details
