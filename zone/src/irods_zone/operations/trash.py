"""The place of removed things: /ZONE/trash/home/USER, with their old path. Removes nothing."""

from __future__ import annotations

import secrets

from irods_zone import errors, paths
from irods_zone.catalog import collections, objects
from irods_zone.errors import IrodsError
from irods_zone.operations.creation import make_missing
from irods_zone.session import Session

EMPTY = "irodsRmTrash"
EMPTY_BY_ADMIN = "irodsAdminRmTrash"


def path_for(session: Session, path: str) -> str:
    """A free place in the user's trash for a path; makes the collections above it."""
    parts = path.split("/")
    if len(parts) < 4:
        raise IrodsError(errors.USER_INPUT_PATH_ERR, f"'{path}' cannot go into the trash")
    user, rest = session.client.name, parts[2:]
    if rest[0] == "home" and len(rest) > 2:
        rest = rest[2:] if rest[1].partition("#")[0] == user else rest[1:]
    target = "/".join(["", parts[1], "trash", "home", user, *rest])
    make_missing(session, paths.parent(target))
    while objects.exists(session.db, target) or collections.find(session.db, target):
        target = f"{target}.{secrets.randbits(31)}"
    return target
