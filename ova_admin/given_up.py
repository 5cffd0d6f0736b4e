"""Images whose check was given up, by their facts: one query. Reads only.

Components need no separate query: their `ova::message` says it, and they are `failed`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ova_grid.connection import User, rows
from ova_rules import names
from ova_rules.jobs import GIVEN_UP

if TYPE_CHECKING:
    from irods.session import iRODSSession


@dataclass(frozen=True)
class Image:
    """An image that no job checks until something changes. message: why, in one line."""

    path: str
    owner: User
    message: str


def images(session: iRODSSession, below: Sequence[str] = ()) -> list[Image]:
    """The images at or below these paths (everywhere, if none is named), by path.

    Raises AdminError if the zone does not answer.
    """
    from irods.column import Criterion, Like
    from irods.models import Collection, DataObject, DataObjectMeta

    query = session.query(
        Collection.name, DataObject.name, DataObject.owner_name, DataObject.owner_zone, DataObjectMeta.value
    ).filter(Criterion("=", DataObjectMeta.name, names.PACKAGE), Like(DataObjectMeta.value, f"{GIVEN_UP}%"))
    found = {
        Image(
            posixpath.join(row[Collection.name], row[DataObject.name]),
            User(row[DataObject.owner_name], row[DataObject.owner_zone]),
            row[DataObjectMeta.value],
        )
        for row in rows(query)
    }
    return sorted(
        (each for each in found if not names.in_trash(each.path) and _is_below(each.path, below)),
        key=lambda each: each.path,
    )


def _is_below(path: str, roots: Sequence[str]) -> bool:
    return not roots or any(f"{path}/".startswith(f"{root.rstrip('/')}/") for root in roots)
