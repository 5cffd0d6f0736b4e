"""The one fixed query behind GenQuery's option QUOTA_QUERY: the quotas that apply to a user, the nearest first."""

from __future__ import annotations

from irods_zone.catalog import users
from irods_zone.catalog.database import Database
from irods_zone.catalog.genquery.query import GenQuery
from irods_zone.errors import CAT_INVALID_ARGUMENT, IrodsError

# QUOTA_USER_ID, RESC_NAME, QUOTA_LIMIT, QUOTA_OVER, QUOTA_RESC_ID
COLUMNS = (2000, 302, 2002, 2003, 2001)
_USER_NAME, _RESC_NAME = 202, 302


def rows(db: Database, query: GenQuery) -> list[tuple[str, ...]]:
    """Conditions name the user (202) and perhaps a resource (302), as bare values."""
    conditions = dict(query.conditions)
    if _USER_NAME not in conditions:
        raise IrodsError(CAT_INVALID_ARGUMENT, "a quota query names a user")
    name, zone = users.split_name(db, conditions[_USER_NAME])
    resource = conditions.get(_RESC_NAME, "")
    found = db.execute(
        "SELECT DISTINCT q.user_id, r.resc_name, q.quota_limit, q.quota_over, q.resc_id FROM R_QUOTA_MAIN q"
        " JOIN R_RESC_MAIN r ON q.resc_id = r.resc_id OR q.resc_id = 0"
        " JOIN R_USER_GROUP g ON g.group_user_id = q.user_id JOIN R_USER_MAIN u ON u.user_id = g.user_id"
        " WHERE u.user_name = ? AND u.zone_name = ? AND (? = '' OR r.resc_name = ?) ORDER BY q.quota_over DESC",
        (name, zone, resource, resource),
    )
    return [tuple("" if value is None else str(value) for value in row) for row in found]
