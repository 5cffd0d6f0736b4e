"""The table of the API calls that are served, with all its handlers: importing this module fills it."""

from __future__ import annotations

from irods_zone.api import administration, collections, data_objects, metadata, queries, replicas, rules, server_info
from irods_zone.api.registry import CALLS

__all__ = [
    "CALLS", "administration", "collections", "data_objects", "metadata", "queries", "replicas", "rules", "server_info"
]  # fmt: skip
