"""Renames for clients (imv): one data object may overwrite another."""

from __future__ import annotations

from irods_zone.catalog import objects as catalog
from irods_zone.operations import provider, relocation, removal, states, stats
from irods_zone.session import Session


def rename(
    session: Session,
    source: str,
    target: str,
    *,
    operation: int | None = None,
    force: bool = False,
    admin: bool = False,
) -> None:
    """Renames a data object or a collection.

    `operation` is the client's oprType; None means an object or a collection. Errors: CAT_NO_ROWS_FOUND,
    CAT_NAME_EXISTS_AS_DATAOBJ, CAT_NAME_EXISTS_AS_COLLECTION, CAT_UNKNOWN_COLLECTION, SAME_SRC_DEST_PATHS_ERR …
    """
    if not session.config.is_provider:
        if operation is None:
            operation = relocation.DATA_OBJECT if stats.visible_replicas(session, source) else relocation.COLLECTION
        provider.rename(session, source, target, operation, force=force, admin=admin)
        return
    kind = operation if operation in (relocation.DATA_OBJECT, relocation.COLLECTION) else None
    source, target, replicas = relocation.checked(session, source, target, kind, admin=admin)
    if replicas and kind is None and operation is not None:
        states.require_at_rest(replicas)
        if force and catalog.exists(session.db, target):
            removal.unlink(session, target, {"forceFlag": ""})
    relocation.move(session, source, target, replicas, admin=admin)
