"""The operations on data objects, in one place for those who call them: API handlers and microservices.

Each stands in the module that it is imported from.
"""

from __future__ import annotations

from zone.operations.checksums import checksum
from zone.operations.closing import abandon_all, close, close_replica
from zone.operations.copies import copy, copy_records
from zone.operations.opening import create_object, open_object
from zone.operations.registration import register
from zone.operations.removal import unlink
from zone.operations.renaming import rename
from zone.operations.replicas import replicate, trim
from zone.operations.stats import ObjectStat, ObjectType, stat
from zone.operations.touching import touch
from zone.operations.transfer import (
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
