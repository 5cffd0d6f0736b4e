"""The table of the served API calls with all handlers. Importing this module fills the table."""

from __future__ import annotations

from irods_zone.api import (
    administration,
    collections,
    data_objects,
    metadata,
    queries,
    replicas,
    rules,
    server_info,
    vault_files,
)
from irods_zone.api.registry import CALLS

__all__ = [
    "CALLS", "administration", "collections", "data_objects", "metadata", "queries", "replicas", "rules", "server_info",
    "vault_files",
]  # fmt: skip
