"""iadmin, and what users change about themselves."""

from __future__ import annotations

from collections.abc import Sequence

from zone import errors
from zone.errors import IrodsError
from zone.session import Session


def general(session: Session, arguments: Sequence[str]) -> None:
    """A generalAdmin call: (add|modify|rm|rmtrash …, user|group|resource …, …)."""
    from zone.catalog import admin

    try:
        admin.general(session.db, session.client, arguments, session.challenge)
    except IrodsError as error:
        if error.message:
            session.error_stack.append((error.code, error.message))
        raise


def user(session: Session, arguments: Sequence[str]) -> None:
    """A userAdmin call: (userpw, user, password, new …), and what group administrators do."""
    from zone.catalog import admin

    admin.user(session.db, session.client, arguments, session.challenge)


def temporary_password(session: Session, other: str = "") -> str:
    """Temporary passwords are not served."""
    raise IrodsError(errors.SYS_NOT_SUPPORTED, "temporary passwords are not served here")
