"""Which resource an operation goes to. Reads the catalog; never writes it."""

from __future__ import annotations

from collections.abc import Mapping

from zone import errors
from zone.catalog import objects as catalog
from zone.catalog import resources as rows
from zone.catalog.resources import ResourceRow
from zone.errors import IrodsError
from zone.session import Session

# Keywords by which clients name a resource, the most binding first.
_WISHES = ("resc_hier", "destRescName", "rescName", "leafRescName", "defRescName", "backupRescName")
DOWN = "down"


def by_name(session: Session, name: str) -> ResourceRow:
    """The resource of that name; SYS_RESC_DOES_NOT_EXIST if there is none."""
    return rows.require(session.db, name)


def by_id(session: Session, number: int) -> ResourceRow:
    """The resource with that id; SYS_RESC_DOES_NOT_EXIST if there is none."""
    found = rows.by_id(session.db, number)
    if found is None:
        raise IrodsError(errors.SYS_RESC_DOES_NOT_EXIST, f"there is no resource {number}")
    return found


def wished(keywords: Mapping[str, str]) -> str:
    """The resource that a client names, or ''."""
    for key in _WISHES:
        if keywords.get(key):
            return keywords[key]
    return ""


def for_new_replica(session: Session, keywords: Mapping[str, str]) -> ResourceRow:
    """Where a new replica goes: the resource that the client names, else the zone's default."""
    found = by_name(session, wished(keywords) or session.config.resources[0].name)
    if not found.is_storage:
        raise IrodsError(errors.SYS_INVALID_RESC_INPUT, f"nothing can be stored on resource '{found.name}'")
    if found.status == DOWN:
        raise IrodsError(errors.SYS_RESC_IS_DOWN, f"resource '{found.name}' is down")
    return found


def for_operation(session: Session, path: str, keywords: Mapping[str, str]) -> ResourceRow:
    """Where an operation on a path would go."""
    name = wished(keywords)
    if name:
        return by_name(session, name)
    replicas = catalog.find(session.db, path)
    good = [replica for replica in replicas if replica.status == catalog.ReplicaStatus.GOOD] or replicas
    return by_name(session, good[0].resc) if good else for_new_replica(session, keywords)
