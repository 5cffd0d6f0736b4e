"""The zone-wide settings that a real server keeps in the catalog (R_GRID_CONFIGURATION). Only reads them."""

from __future__ import annotations

from irods_zone.catalog.database import Database
from irods_zone.errors import CAT_NO_ROWS_FOUND, IrodsError


def grid_value(db: Database, namespace: str, option: str) -> str:
    """One setting; CAT_NO_ROWS_FOUND if there is no such setting."""
    row = db.execute(
        "SELECT option_value FROM R_GRID_CONFIGURATION WHERE namespace = ? AND option_name = ?", (namespace, option)
    ).fetchone()
    if row is None:
        raise IrodsError(CAT_NO_ROWS_FOUND, f"there is no setting {namespace} {option}")
    return str(row[0])
