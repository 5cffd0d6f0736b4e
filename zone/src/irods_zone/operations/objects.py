"""The operations on data objects, in one place for those who call them: API handlers and microservices.

Each stands in the module that it is imported from.
"""

from __future__ import annotations

from irods_zone.operations.checksums import checksum
from irods_zone.operations.closing import abandon_all, close, close_replica
from irods_zone.operations.copies import copy, copy_records
from irods_zone.operations.opening import create_object, open_object
from irods_zone.operations.registration import register
from irods_zone.operations.removal import unlink
from irods_zone.operations.renaming import rename
from irods_zone.operations.replicas import replicate, trim
from irods_zone.operations.stats import ObjectStat, ObjectType, stat
from irods_zone.operations.touching import touch
from irods_zone.operations.transfer import (
    descriptor_info,
    open_for_get,
    open_for_put,
    open_stat,
    put,
    read,
    seek,
    size_of,
    write,
)

__all__ = [
    "ObjectStat",
    "ObjectType",
    "abandon_all",
    "checksum",
    "close",
    "close_replica",
    "copy",
    "copy_records",
    "create_object",
    "descriptor_info",
    "open_for_get",
    "open_for_put",
    "open_object",
    "open_stat",
    "put",
    "read",
    "register",
    "rename",
    "replicate",
    "seek",
    "size_of",
    "stat",
    "touch",
    "trim",
    "unlink",
    "write",
]
