"""Arguments of microservices that hold keywords ("objPath=P++++forceFlag="), and the message of a failure."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from irods_zone.errors import NO_KEY_WD_IN_MS_INP_STR, USER_BAD_KEYWORD_ERR, IrodsError
from irods_zone.prep.microservices.table import Parameter
from irods_zone.session import Session

_ACCESS = (("O_RDWR", os.O_RDWR), ("O_WRONLY", os.O_WRONLY), ("O_RDONLY", os.O_RDONLY))


@dataclass
class Keywords:
    """The content of an argument like "objPath=P++++forceFlag="."""

    path: str = ""
    flags: int = 0
    mode: int = 0
    values: dict[str, str] = field(default_factory=dict)


def parse_keywords(text: str, allowed: Collection[str], bare: str | None = None) -> Keywords:
    """Read `key=value` pairs joined by "++++"; "" and "null" mean no pairs.

    `bare` is the keyword for a part without one; "*" makes such a part a keyword without a value.
    """
    result = Keywords()
    if text in ("", "null"):
        return result
    for part in text.split("++++"):
        if not part:
            continue
        key, equals, value = part.partition("=")
        if not equals:
            if bare is None:
                raise IrodsError(NO_KEY_WD_IN_MS_INP_STR)
            key, value = (part, "") if bare == "*" else (bare, part)
        if key not in allowed:
            raise IrodsError(USER_BAD_KEYWORD_ERR, key)
        if key == "objPath":
            result.path = value
        elif key == "createMode":
            result.mode = int(value) if value.lstrip("-").isdigit() else 0
        elif key == "openFlags":
            result.flags |= next((flag for name, flag in _ACCESS if name in value), 0)
            result.flags |= os.O_CREAT if "O_CREAT" in value else 0
            result.flags |= os.O_TRUNC if "O_TRUNC" in value else 0
        else:
            result.values[key] = value
    return result


def keywords_of(
    session: Session, name: str, parameter: Parameter, allowed: Collection[str], bare: str | None = None
) -> Keywords:
    """parse_keywords on a parameter, with the message of a microservice if that fails."""
    try:
        return parse_keywords(parameter.optional_text(), allowed, bare)
    except IrodsError as error:
        word = error.message if error.code == USER_BAD_KEYWORD_ERR else ""
        session.error_stack.append((error.code, f"DEBUG: {name}: input keyWd - {word} error. status = {error.code}\n"))
        raise


# Their lines name the subject without "for".
_WITHOUT_FOR = ("msiCollCreate", "msiDataObjRepl")


@contextmanager
def reporting(session: Session, name: str, subject: str | None = None) -> Iterator[None]:
    """A failure inside prints a line on the client's terminal, as in microservices, even if a rule catches it."""
    try:
        yield
    except IrodsError as error:
        message = f"rs{name[len('msi') :]} failed"
        if subject is not None:
            message += f" {subject}" if name in _WITHOUT_FOR else f" for {subject}"
        session.error_stack.append((error.code, f"DEBUG: {name}: {message}, status = {error.code}\n"))
        raise
