"""Chooses the resource for an operation. Reads the catalog; never writes it."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Mapping, Sequence

from irods_zone import errors
from irods_zone.catalog import objects as catalog
from irods_zone.catalog import resources as rows
from irods_zone.catalog.objects import Replica
from irods_zone.catalog.resources import ResourceRow
from irods_zone.errors import IrodsError
from irods_zone.session import Session

# Keywords with which clients name a resource, in order of precedence.
_KEYWORDS = ("resc_hier", "destRescName", "rescName", "leafRescName", "defRescName", "backupRescName")
DOWN = "down"
# Resources that choose one of their children for a new replica. Compound ones are not served.
_RANDOM = "random"
_REPLICATION = "replication"  # all its other children get a replica, too
_CHOOSING = ("passthru", "deferred", _RANDOM, _REPLICATION)


def by_name(session: Session, name: str) -> ResourceRow:
    """The resource of that name; SYS_RESC_DOES_NOT_EXIST if there is none."""
    return rows.require(session.db, name)


def by_id(session: Session, number: int) -> ResourceRow:
    """The resource with that id; SYS_RESC_DOES_NOT_EXIST if there is none."""
    resource = rows.by_id(session.db, number)
    if resource is None:
        raise IrodsError(errors.SYS_RESC_DOES_NOT_EXIST, f"there is no resource {number}")
    return resource


def requested(keywords: Mapping[str, str]) -> str:
    """The resource that a client names, or ''."""
    for key in _KEYWORDS:
        if keywords.get(key):
            return keywords[key]
    return ""


def for_new_replica(session: Session, keywords: Mapping[str, str]) -> ResourceRow:
    """The resource for a new replica: the one that the client names, or one below it, else the zone's default.

    SYS_RESC_DOES_NOT_EXIST, DIRECT_CHILD_ACCESS (it has a parent, and no whole hierarchy was given), SYS_RESC_IS_DOWN,
    SYS_INVALID_RESC_INPUT (nothing can be stored there).
    """
    name = requested(keywords) or session.config.resources[0].name
    resource = by_name(session, name.rpartition(";")[2])
    if resource.parent and ";" not in name:
        raise IrodsError(errors.DIRECT_CHILD_ACCESS, f"resource '{resource.name}' is reached through its parent only")
    if not resource.is_storage:
        resource = _below(session, resource)
    if resource.status == DOWN:
        raise IrodsError(errors.SYS_RESC_IS_DOWN, f"resource '{resource.name}' is down")
    return resource


def _below(session: Session, resource: ResourceRow) -> ResourceRow:
    """The storage resource to which a coordinating resource passes a new replica."""
    leaves = [leaf for leaf in rows.leaves(session.db, resource) if leaf.status != DOWN]
    if resource.type not in _CHOOSING or not leaves:
        raise IrodsError(errors.SYS_INVALID_RESC_INPUT, f"nothing can be stored on resource '{resource.name}'")
    return random.choice(leaves) if resource.type == _RANDOM else leaves[0]  # noqa: S311 - no secret


def followers(session: Session, replica: Replica, others: Sequence[Replica]) -> list[ResourceRow]:
    """Where replicas have to follow a good one: on each other child of a replication resource above it.

    That is where such a child has one of `others`, good or not, or where it would put a new one. A child that is down
    gets none.
    """
    names = replica.hierarchy.split(";")
    found = []
    for parent, own in zip(names, names[1:]):
        row = by_name(session, parent)
        for child in rows.children(session.db, row) if row.type == _REPLICATION else ():
            there = next((each for each in others if each.is_on(child.name)), None)
            if child.name == own or (there is not None and there.status == catalog.ReplicaStatus.GOOD):
                continue
            with contextlib.suppress(IrodsError):  # nothing can be stored there now
                target = by_name(session, there.resc) if there is not None else child
                target = target if target.is_storage else _below(session, target)
                if target.status != DOWN:
                    found.append(target)
    return found


def for_operation(session: Session, path: str, keywords: Mapping[str, str]) -> ResourceRow:
    """The resource for an operation on a path: that of the replica on the named resource, or of a good one."""
    replicas = catalog.find(session.db, path)
    if not replicas:
        return for_new_replica(session, keywords)
    name = requested(keywords)
    candidates = [replica for replica in replicas if name and replica.is_on(name)] or replicas
    good = [replica for replica in candidates if replica.status == catalog.ReplicaStatus.GOOD] or candidates
    return by_name(session, good[0].resc)
