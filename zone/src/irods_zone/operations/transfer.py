"""Reads and writes open data objects; serves the put and get calls of iCommands."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, Union

from irods_zone import errors, paths
from irods_zone.catalog.objects import ReplicaStatus
from irods_zone.descriptors import PUT, OpenType
from irods_zone.errors import IrodsError
from irods_zone.operations import access as access_operations
from irods_zone.operations import closing, metadata, opening, points, resources, stats, vault
from irods_zone.operations.failures import refusal
from irods_zone.session import Session

Pieces = Union[bytes, memoryview, Iterable[bytes]]
_PUT_FLAGS = os.O_CREAT | os.O_RDWR | os.O_TRUNC


def read(session: Session, number: int, length: int) -> bytes:
    """The next bytes; fewer than requested only at the end."""
    descriptor = session.descriptors.get(number)
    if length < 0:
        raise IrodsError(errors.SYS_INVALID_INPUT_PARAM, f"a read of {length} bytes")
    with vault.system_errors(errors.UNIX_FILE_READ_ERR):
        first = os.read(descriptor.handle, length)
        if len(first) == length or not first:
            return first
        pieces = [first]
        remaining = length - len(first)
        while remaining:
            piece = os.read(descriptor.handle, remaining)
            if not piece:
                break
            pieces.append(piece)
            remaining -= len(piece)
    return b"".join(pieces)


def write(session: Session, number: int, data: Pieces) -> int:
    """Writes at the current offset; returns how many bytes. `data` may come in pieces."""
    descriptor = session.descriptors.get(number)
    pieces = [data] if isinstance(data, (bytes, bytearray, memoryview)) else data
    total = 0
    with vault.system_errors(errors.UNIX_FILE_WRITE_ERR):
        for piece in pieces:
            remaining = memoryview(piece)
            descriptor.written = descriptor.written or bool(remaining)
            while remaining:
                count = os.write(descriptor.handle, remaining)
                total += count
                remaining = remaining[count:]
    return total


def seek(session: Session, number: int, offset: int, whence: int) -> int:
    """Moves the offset (whence as for lseek) and returns it."""
    descriptor = session.descriptors.get(number)
    if whence not in (os.SEEK_SET, os.SEEK_CUR, os.SEEK_END):
        raise IrodsError(errors.SYS_INVALID_INPUT_PARAM, f"whence is {whence}")
    with vault.system_errors(errors.UNIX_FILE_LSEEK_ERR):
        return os.lseek(descriptor.handle, offset, whence)


def size_of(session: Session, number: int) -> int:
    """The size of the open file."""
    return os.fstat(session.descriptors.get(number).handle).st_size


def open_for_put(session: Session, record: dict[str, Any]) -> int:
    """Begins a put: makes the object, or overwrites it with `forceFlag`. Extends the record as a real server does."""
    keywords: dict[str, str] = record["KeyValPair_PI"]
    path = paths.checked(record["objPath"])
    if "forceFlag" not in keywords and stats.visible_replicas(session, path):
        raise IrodsError(errors.OVERWRITE_WITHOUT_FORCE_FLAG, f"'{path}' exists")
    keywords["translatedPath"] = ""
    if keywords.get("destRescName"):
        resources.by_name(session, keywords["destRescName"].partition(";")[0])
    record["openFlags"] = _PUT_FLAGS
    return opening.open_object(
        session, path, _PUT_FLAGS, record["createMode"], keywords, data_size=record["dataSize"], operation=PUT
    )


def put(session: Session, record: dict[str, Any], data: Pieces) -> None:
    """A put whose bytes are in the call."""
    number = open_for_put(session, record)
    descriptor = session.descriptors.get(number)
    opened = descriptor.replica
    descriptor.written = True
    try:
        write(session, number, data)
    except BaseException:
        closing.abandon(session, number)
        raise
    replica = closing.finish(session, number)
    apply_extras(session, replica.logical_path, record["KeyValPair_PI"])
    points.resource(session, "modified", replica, size=replica.size, open_type=int(descriptor.open_type))
    closing.announce(session, descriptor, closing.info_after_write(descriptor, opened, changed=False))
    points.touch_parent(session, replica.logical_path)


def open_for_get(session: Session, record: dict[str, Any]) -> int:
    """Begins a get."""
    keywords: dict[str, str] = record["KeyValPair_PI"]
    keywords["translatedPath"] = ""
    resource = keywords.get("rescName", "")
    number = opening.open_object(session, record["objPath"], os.O_RDONLY, 0, keywords)
    replica = session.descriptors.get(number).replica
    if resource and not replica.is_on(resource):
        closing.close(session, number)
        text = (
            "hierarchy descending from requested resource name does not have a replica or the replica is inaccessible"
            f" at this time [path=[{record['objPath']}], requested resource name=[{resource}],"
            f" resolved hierarchy=[{replica.hierarchy}]]"
        )
        raise refusal(session, errors.SYS_REPLICA_INACCESSIBLE, text)
    return number


def apply_extras(session: Session, path: str, keywords: dict[str, str]) -> None:
    """Sets the AVUs and access rows that a put may carry (iput --metadata, --acl)."""
    triples = keywords.get("metadataIncluded")
    if triples:
        metadata.add_triples(session, path, triples)
    rows = keywords.get("aclIncluded")
    if rows:
        access_operations.apply_serialized(session, path, rows)


def open_stat(session: Session, number: int) -> dict[str, Any]:
    """The answer of `open and stat` besides the descriptor."""
    replica = session.descriptors.get(number).replica
    return {
        "dataSize": replica.size,
        "dataType": replica.data_type,
        "dataMode": replica.mode,
        "l3descInx": number,
        "replStatus": int(replica.status),
        "rescTypeInx": 0,
        "replNum": replica.repl_num,
    }


def descriptor_info(session: Session, number: int) -> dict[str, Any]:
    """All of a descriptor, in the form of API 20000 (python-irodsclient takes hierarchy and token from it)."""
    descriptor = session.descriptors.get(number)
    replica = descriptor.replica
    created = descriptor.open_type is OpenType.CREATE
    keywords = dict(descriptor.keywords)
    if created:
        keywords.update(dataSize="0", registerAsIntermediate="", filePath=replica.path)
    pairs = [{"key": key, "value": value} for key, value in keywords.items()]
    return {
        "bytes_written": -1,
        "checksum": "",
        "checksum_flag": 0,
        "copies_needed": 0,
        "data_object_info": {
            "checksum": replica.checksum,
            "collection_id": replica.coll_id,
            "condition_input": [] if created else pairs,
            "data_access": "",
            "data_access_index": 0,
            "data_comments": replica.comment,
            "data_create": replica.created,
            "data_expiry": replica.expiry,
            "data_id": replica.data_id,
            "data_map_id": replica.map_id,
            "data_mode": replica.mode,
            "data_modify": replica.modified,
            "data_owner_name": replica.owner,
            "data_owner_zone": replica.owner_zone,
            "data_size": replica.size,
            "data_type": replica.data_type,
            "destination_resource_name": "",
            "file_path": replica.path,
            "flags": 0,
            "in_pdmo": "",
            "is_replica_current": replica.status == ReplicaStatus.GOOD,
            "next": None,
            "object_path": replica.logical_path,
            "other_flags": 0,
            "registering_user_id": 0,
            "replica_number": replica.repl_num,
            "replica_status": int(replica.status),
            "resource_hierarchy": replica.hierarchy,
            "resource_id": replica.resc_id,
            "resource_name": replica.resc,
            "special_collection": None,
            "status_string": "",
            "sub_path": "",
            "version": "",
            "write_flag": int(descriptor.open_type is OpenType.WRITE),
        },
        "data_object_input": {
            "condition_input": pairs,
            "create_mode": descriptor.create_mode,
            "data_size": descriptor.data_size,
            "number_of_threads": 0,
            "object_path": descriptor.path,
            "offset": 0,
            "open_flags": descriptor.flags,
            "operation_type": descriptor.operation,
            "special_collection": None,
        },
        "data_object_input_replica_flag": 1,
        "data_size": descriptor.data_size,
        "in_pdmo": "",
        "in_use": True,
        "l3descInx": number,
        "lock_file_descriptor": 0,
        "open_type": int(descriptor.open_type),
        "operation_status": 0,
        "operation_type": 0,
        "other_data_object_info": None,
        "plugin_data": None,
        "purge_cache_flag": 0,
        "remote_l1_descriptor_index": 0,
        "remote_zone_host": None,
        "replica_status": int(replica.status),
        "replica_token": descriptor.token if descriptor.writable else "",
        "replication_data_object_info": None,
        "source_l1_descriptor_index": 0,
        "stage_flag": 0,
    }
