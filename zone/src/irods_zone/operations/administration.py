"""iadmin, and changes that users make to themselves.

The catalog makes the checks. This module unscrambles passwords of clients, and sends messages to the client.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from irods_zone import errors
from irods_zone.catalog import admin, users
from irods_zone.errors import ClientMessageError, IrodsError
from irods_zone.protocol import auth, scramble
from irods_zone.session import Session

_GROUP_TYPE = "rodsgroup"


def general(session: Session, arguments: Sequence[str]) -> None:
    """A generalAdmin call: (add|modify|rm …, user|group|resource …, …), as iadmin sends it."""
    padded = [*arguments, *[""] * (10 - len(arguments))]
    if padded[:2] == ["modify", "user"] and padded[3] == "password":
        padded[4] = _plain(session, padded[4])
    with _messages_sent(session, by_rule=padded[:2] in (["add", "user"], ["add", "group"])):
        admin.general(session.db, session.client, padded)


def user(session: Session, arguments: Sequence[str]) -> None:
    """A userAdmin call: users change their password; group administrators make users and groups, and fill groups."""
    padded = [*arguments, *[""] * (10 - len(arguments))]
    action, first, second, third = padded[:4]
    db, actor = session.db, session.client
    with _messages_sent(session):
        if action == "userpw":
            if second != "password":
                raise IrodsError(errors.CAT_INVALID_ARGUMENT, f"{second!r} is not changed this way")
            admin.modify_user(db, actor, first, "password", _plain(session, third))
        elif action == "mkuser":
            with db.transaction():
                admin.make_user(db, actor, first, "rodsuser", third)
                if second:
                    admin.modify_user(db, actor, first, "password", _plain(session, second))
        elif action == "mkgroup":
            if second not in ("", _GROUP_TYPE):
                raise IrodsError(errors.CAT_INVALID_ARGUMENT, f"a group of type {second!r}")
            admin.make_group(db, actor, first, third)
        elif (action, first) == ("modify", "group"):
            admin.modify_group(db, actor, second, third, padded[4], padded[5])
        else:
            raise IrodsError(errors.CAT_INVALID_ARGUMENT, f"{action!r} is not served here")


def temporary_password(session: Session, other: str = "") -> str:
    """Temporary passwords are not served."""
    raise IrodsError(errors.SYS_NOT_SUPPORTED, "temporary passwords are not served here")


def _plain(session: Session, scrambled: str) -> str:
    own = users.secret(session.db, session.proxy) or ""
    return scramble.unscramble(scrambled, own, auth.session_signature(session.challenge))


@contextmanager
def _messages_sent(session: Session, *, by_rule: bool = False) -> Iterator[None]:
    """Sends the client the text of a refusal, where a real server does."""
    try:
        yield
    except ClientMessageError as error:
        session.error_stack.append((0, error.message))
        if by_rule and error.code != errors.SYS_NOT_ALLOWED:
            session.error_stack.append((error.code, "DEBUG: \n"))  # a real server's rule that makes users sends this
        raise
