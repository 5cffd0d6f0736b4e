"""Checks of a user's type, independent of objects."""

from __future__ import annotations

from irods_zone.catalog.users import ADMIN_TYPE, GROUP_ADMIN_TYPE, User
from irods_zone.errors import CAT_INSUFFICIENT_PRIVILEGE_LEVEL, IrodsError


def require_admin(actor: User) -> None:
    """IrodsError(CAT_INSUFFICIENT_PRIVILEGE_LEVEL) unless the actor is an administrator."""
    if not actor.is_admin:
        raise IrodsError(CAT_INSUFFICIENT_PRIVILEGE_LEVEL)


def require_group_admin(actor: User) -> None:
    """IrodsError(CAT_INSUFFICIENT_PRIVILEGE_LEVEL) unless the actor is an administrator, of the zone or of groups."""
    if actor.type not in (ADMIN_TYPE, GROUP_ADMIN_TYPE):
        raise IrodsError(CAT_INSUFFICIENT_PRIVILEGE_LEVEL)
