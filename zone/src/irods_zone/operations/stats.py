"""The object or collection at a path, as far as the user may know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from irods_zone import errors, paths
from irods_zone.catalog import access, collections
from irods_zone.catalog import objects as catalog
from irods_zone.catalog.objects import Replica, ReplicaStatus
from irods_zone.errors import IrodsError
from irods_zone.session import Session


class ObjectType(IntEnum):
    """What a path names."""

    DATA_OBJECT = 1
    COLLECTION = 2


@dataclass(frozen=True)
class ObjectStat:
    """The answer of `stat`. Times are the catalog's eleven digits; `size` in bytes."""

    type: ObjectType
    id: int
    size: int
    mode: int
    checksum: str
    owner_name: str
    owner_zone: str
    create_time: str
    modify_time: str


def stat(session: Session, path: str, keywords: Mapping[str, str] | None = None) -> ObjectStat:
    """The stat of a path; USER_FILE_DOES_NOT_EXIST if the user may see nothing there."""
    path = paths.checked(path)
    replicas = visible_replicas(session, path)
    if replicas:
        named = (keywords or {}).get("rescName") or (keywords or {}).get("resc_hier")
        chosen = next((each for each in replicas if named and each.is_on(named)), None)
        chosen = chosen or next((each for each in replicas if each.status == ReplicaStatus.GOOD), replicas[0])
        return ObjectStat(
            ObjectType.DATA_OBJECT, chosen.data_id, chosen.size, _mode(chosen.mode), chosen.checksum, chosen.owner,
            chosen.owner_zone, chosen.created, chosen.modified,
        )  # fmt: skip
    found = collections.find(session.db, path)
    if found is None or not is_visible(session, found.id):
        raise IrodsError(errors.USER_FILE_DOES_NOT_EXIST, f"there is no '{path}'")
    return ObjectStat(ObjectType.COLLECTION, found.id, 0, 0, "", found.owner, found.owner_zone, found.created,
                      found.modified)  # fmt: skip


def visible_replicas(session: Session, path: str) -> list[Replica]:
    """The replicas of a data object; none if the user may not see it."""
    replicas = catalog.find(session.db, path)
    return replicas if replicas and is_visible(session, replicas[0].data_id, replicas[0].coll_id) else []


def require_replicas(session: Session, path: str) -> list[Replica]:
    """As `visible_replicas`; CAT_NO_ROWS_FOUND if there is none."""
    replicas = visible_replicas(session, path)
    if not replicas:
        raise IrodsError(errors.CAT_NO_ROWS_FOUND, f"there is no data object '{path}'")
    return replicas


def is_visible(session: Session, *object_ids: int) -> bool:
    """Whether the user may know of something: administrators of everything, others of what they may read.

    To see a data object, a user must be able to read its collection too.
    """
    if session.client.is_admin:
        return True
    return all(access.level_of(session.db, session.client, object_id) >= access.READ_OBJECT for object_id in object_ids)


def _mode(text: str) -> int:
    return int(text) if text.isdigit() else 0


def is_visible_collection(session: Session, path: str) -> bool:
    """Whether there is a collection at a path that the user may know of."""
    found = collections.find(session.db, path)
    return found is not None and is_visible(session, found.id)
