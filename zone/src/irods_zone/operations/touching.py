"""Sets modify times, and makes missing objects, like the command touch."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from irods_zone import errors, paths
from irods_zone.catalog import access, collections
from irods_zone.catalog import objects as catalog
from irods_zone.catalog.collections import Collection
from irods_zone.catalog.objects import Replica, ReplicaStatus
from irods_zone.errors import IrodsError
from irods_zone.operations import closing, opening, points, resources, stats
from irods_zone.operations.failures import displayed, refusal
from irods_zone.operations.stats import ObjectType
from irods_zone.session import Session

_MODE = 0o600
_TYPES: dict[str, type[bool] | type[int] | type[str]] = {
    "no_create": bool,
    "replica_number": int,
    "leaf_resource_name": str,
    "reference": str,
    "seconds_since_epoch": int,
}
_EXCLUSIVE = (("replica_number", "leaf_resource_name"), ("reference", "seconds_since_epoch"))
_SECONDS_LIMIT = 10**11  # the largest number that fits into the catalog


def touch(session: Session, request: Mapping[str, Any]) -> None:
    """Serves {"logical_path", "options": {no_create, replica_number, leaf_resource_name, …}}.

    Errors: OBJ_PATH_DOES_NOT_EXIST, USER_INCOMPATIBLE_PARAMS, SYS_INVALID_INPUT_PARAM, SYS_NO_GOOD_REPLICA,
    CAT_NOT_A_DATAOBJ_AND_NOT_A_COLLECTION (nothing exists there, and it could not be made) … Clients get the text too.
    """
    with displayed(session):
        path, options = _checked(request)
        if not _exists(session, path):
            if options.get("no_create"):
                return
            if "replica_number" in options:
                raise IrodsError(
                    errors.OBJ_PATH_DOES_NOT_EXIST, "Replica numbers cannot be used when creating new data objects."
                )
            _create(session, path, options)
            if not _exists(session, path):
                raise IrodsError(
                    errors.CAT_NOT_A_DATAOBJ_AND_NOT_A_COLLECTION,
                    "Logical path does not point to a collection or data object.",
                )
    moment = _moment(session, options)
    if stats.stat(session, path).type is ObjectType.DATA_OBJECT:
        _touch_object(session, path, options, moment)
        return
    with displayed(session):
        if options.keys() & {"replica_number", "leaf_resource_name"}:
            raise IrodsError(
                errors.USER_INCOMPATIBLE_PARAMS,
                "[replica_number] and [leaf_resource_name] cannot be used for collections.",
            )
    _touch_collection(session, collections.require(session.db, path), moment)


def _touch_collection(session: Session, found: Collection, moment: str) -> None:
    session.policy.static("acPreProcForModifyCollMeta")
    if access.level_of(session.db, session.client, found.id) < access.MODIFY_OBJECT:
        text = f"no permission to update collection '{found.path}'"
        code = errors.CAT_NO_ACCESS_PERMISSION
        session.error_stack.append((0, text))
        raise refusal(session, code, f"cannot set mtime: {errors.name_of(code)}")
    collections.update(session.db, found, modified=moment)
    session.policy.static("acPostProcForModifyCollMeta")


def _touch_object(session: Session, path: str, options: Mapping[str, Any], moment: str) -> None:
    replicas = catalog.find(session.db, path)
    with displayed(session):
        chosen = _choose(replicas, options)
    if access.level_of(session.db, session.client, chosen.data_id) < access.MODIFY_OBJECT:
        with displayed(session):
            raise IrodsError(errors.CAT_NO_ACCESS_PERMISSION, f"cannot set mtime for [{path}]")
    info = points.empty_object_info(objPath=path, rescHier=chosen.hierarchy)
    session.policy.static("acPreProcForModifyDataObjMeta", (), info)
    catalog.update(session.db, chosen, modified=moment)
    session.policy.static("acPostProcForModifyDataObjMeta", (), {**info, "dataId": chosen.data_id})


def _checked(request: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    path, options = request.get("logical_path"), request.get("options", {})
    malformed = errors.INPUT_ARG_NOT_WELL_FORMED_ERR
    if "logical_path" not in request:
        raise IrodsError(malformed, "[logical_path] is a required argument.")
    if not isinstance(path, str):
        raise IrodsError(errors.SYS_INVALID_INPUT_PARAM, "Incorrect value for [logical_path].")
    if not path:
        raise IrodsError(malformed, "[logical_path] cannot be empty.")
    if not isinstance(options, dict):
        raise IrodsError(malformed, "[options] must be a JSON object.")
    for one, other in _EXCLUSIVE:
        if one in options and other in options:
            raise IrodsError(errors.USER_INCOMPATIBLE_PARAMS, f"[{one}] and [{other}] cannot be used together.")
    for name, kind in _TYPES.items():
        if name not in options:
            continue
        value: Any = options[name]
        if type(value) is not kind or (type(value) is int and value >= _SECONDS_LIMIT):
            raise IrodsError(errors.SYS_INVALID_INPUT_PARAM, f"Incorrect value for [{name}].")
        if value == "":
            raise IrodsError(malformed, f"[{name}] cannot be empty.")
        if type(value) is int and value < 0:
            raise IrodsError(malformed, f"[{name}] cannot be less than zero.")
    return paths.checked(path), options


def _exists(session: Session, path: str) -> bool:
    try:
        stats.stat(session, path)
    except IrodsError:
        return False
    return True


def _create(session: Session, path: str, options: Mapping[str, Any]) -> None:
    """Makes the data object. A failure is reported, but is not an error by itself."""
    keywords = {}
    if "leaf_resource_name" in options:
        keywords["leafRescName"] = resources.by_name(session, options["leaf_resource_name"]).name
    try:
        number = opening.open_object(session, path, os.O_CREAT | os.O_WRONLY, _MODE, keywords)
        closing.close_replica(session, number)
    except IrodsError as error:
        session.log.info("touch: '%s' could not be made: %s", path, error)


def _choose(replicas: list[Replica], options: Mapping[str, Any]) -> Replica:
    if "replica_number" in options:
        for replica in replicas:
            if replica.repl_num == options["replica_number"]:
                return replica
        raise IrodsError(errors.SYS_REPLICA_DOES_NOT_EXIST, "Replica does not exist matching that replica number.")
    if "leaf_resource_name" in options:
        for replica in replicas:
            if replica.resc == options["leaf_resource_name"]:
                return replica
        raise IrodsError(errors.SYS_REPLICA_DOES_NOT_EXIST, "Replica does not exist in resource.")
    good = [replica for replica in replicas if replica.status == ReplicaStatus.GOOD]
    if not good:
        raise IrodsError(errors.SYS_NO_GOOD_REPLICA, "No good replicas found.")
    return max(good, key=lambda replica: replica.modified)


def _moment(session: Session, options: Mapping[str, Any]) -> str:
    if "reference" not in options:
        return f"{options.get('seconds_since_epoch', int(time.time())):011d}"
    try:
        return stats.stat(session, options["reference"]).modify_time
    except IrodsError as error:
        code = errors.INVALID_OBJECT_TYPE
        raise refusal(session, code, f"cannot get mtime: {errors.name_of(code)}") from error
