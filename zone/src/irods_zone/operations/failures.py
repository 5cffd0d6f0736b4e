"""Refusals with more than a code: a JSON value in the reply, or a line of text that clients print."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from irods_zone import errors
from irods_zone.errors import IrodsError
from irods_zone.session import Session


class DetailedError(IrodsError):
    """An operation was refused; `details` goes into the reply's output."""

    def __init__(self, code: int, details: Any, message: str = "") -> None:
        super().__init__(code, message)
        self.details = details


def refusal(session: Session, code: int, text: str) -> IrodsError:
    """The error for a refusal with a text that a real server sends ("Level 0: text" at the client)."""
    session.error_stack.append((0, text))
    return IrodsError(code, text)


@contextmanager
def displayed(session: Session) -> Iterator[None]:
    """Also sends the text of a refusal to the client, in the form in which iRODS shows its own exceptions."""
    try:
        yield
    except IrodsError as error:
        session.error_stack.append((error.code, f"{errors.name_of(error.code)}: {error.message}\n\n"))
        raise
