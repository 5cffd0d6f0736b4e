"""Quota limits and usage (R_QUOTA_MAIN, R_QUOTA_USAGE): stored and counted. The zone does not enforce them."""

from __future__ import annotations

from irods_zone.catalog import resources, users
from irods_zone.catalog.database import Database, now
from irods_zone.errors import (
    CAT_INVALID_ARGUMENT,
    CAT_INVALID_GROUP,
    CAT_INVALID_RESOURCE,
    CAT_INVALID_USER,
    SYS_NOT_ALLOWED,
    IrodsError,
)

_ALL_RESOURCES = "total"


def set_limit(db: Database, kind: str, name: str, resource: str, limit: str) -> None:
    """Limit a group (kind 'group') to some bytes on a resource, or on all ('total'); 0 removes the limit."""
    if kind not in ("user", "group") or not limit.lstrip("-").isdigit():
        raise IrodsError(CAT_INVALID_ARGUMENT, "quotas are for groups, in bytes")
    group = users.find(db, *users.split_name(db, name))
    if group is None or group.is_group != (kind == "group"):
        unknown = CAT_INVALID_GROUP if kind == "group" else CAT_INVALID_USER
        raise IrodsError(unknown, f"{kind} '{name}' does not exist")
    if kind == "user" and int(limit) != 0:
        raise IrodsError(SYS_NOT_ALLOWED, "a user's limit can only be taken away")
    resc_id = 0
    if resource != _ALL_RESOURCES:
        found = resources.find(db, resource)
        if found is None:
            raise IrodsError(CAT_INVALID_RESOURCE, f"resource '{resource}' does not exist")
        resc_id = found.id
    with db.transaction():
        db.execute("DELETE FROM R_QUOTA_MAIN WHERE user_id = ? AND resc_id = ?", (group.id, resc_id))
        if int(limit) > 0:
            db.execute("INSERT INTO R_QUOTA_MAIN VALUES (?,?,?,0,?)", (group.id, resc_id, int(limit), now()))
        _compare(db)


def calculate(db: Database) -> None:
    """Count what each user stores on each resource, and how far each group is over its limit (below 0: under)."""
    with db.transaction():
        db.execute("DELETE FROM R_QUOTA_USAGE")
        db.execute(
            "INSERT INTO R_QUOTA_USAGE (quota_usage, resc_id, user_id, modify_ts)"
            " SELECT sum(d.data_size), d.resc_id, u.user_id, ? FROM R_DATA_MAIN d"
            " JOIN R_USER_MAIN u ON u.user_name = d.data_owner_name AND u.zone_name = d.data_owner_zone"
            " GROUP BY d.resc_id, u.user_id",
            (now(),),
        )
        _compare(db)


def _compare(db: Database) -> None:
    db.execute(
        "UPDATE R_QUOTA_MAIN SET modify_ts = ?, quota_over ="
        " (SELECT coalesce(sum(q.quota_usage), 0) FROM R_QUOTA_USAGE q JOIN R_USER_GROUP g ON g.user_id = q.user_id"
        "  WHERE g.group_user_id = R_QUOTA_MAIN.user_id AND R_QUOTA_MAIN.resc_id IN (0, q.resc_id)) - quota_limit",
        (now(),),
    )
