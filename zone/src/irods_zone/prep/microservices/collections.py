"""Microservices on collections and access rights."""

from __future__ import annotations

from collections.abc import Sequence

from irods_zone.operations import access, collections, creation
from irods_zone.prep.microservices.keywords import keywords_of, reporting
from irods_zone.prep.microservices.table import Parameter, microservice
from irods_zone.session import Session


@microservice("msiCollCreate", 3)
def create(session: Session, args: Sequence[Parameter]) -> None:
    """(path, "1" to make parents too, out status)."""
    with reporting(session, "msiCollCreate", str(args[0].value)):
        flags = args[1].value if isinstance(args[1].value, int) else args[1].optional_text()
        creation.create(session, args[0].text(), {"recursiveOpr": ""} if flags in (1, "1") else {})
    args[2].set(0)


@microservice("msiRmColl", 3)
def remove(session: Session, args: Sequence[Parameter]) -> None:
    """(path, keywords, out status); recursive, into the trash unless forceFlag is given."""
    name = "msiRmColl"
    allowed = ("forceFlag", "irodsRmTrash", "irodsAdminRmTrash", "recursiveOpr", "unreg")
    keywords = keywords_of(session, name, args[1], allowed, "*")
    with reporting(session, name, str(args[0].value)):
        collections.remove(session, args[0].text(), {"recursiveOpr": "", **keywords.values})
    args[2].set(0)


@microservice("msiSetACL", 4)
def set_access(session: Session, args: Sequence[Parameter]) -> None:
    """("default", "recursive" or either with "admin:" on the level; level, user, path)."""
    user, _, zone = args[2].text().partition("#")
    recursive = args[0].optional_text() == "recursive"
    access.modify(session, args[1].text(), user, zone, args[3].text(), recursive=recursive)
