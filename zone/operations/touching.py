"""Setting modify times, and making objects that are not there, like the command touch."""

from __future__ import annotations

import os
import time
from typing import Any

from zone import errors
from zone.catalog import access, collections
from zone.catalog import objects as catalog
from zone.errors import IrodsError
from zone.operations import closing, opening, paths, points
from zone.session import Session

_MODE = 0o600


def touch(session: Session, request: dict[str, Any]) -> None:
    """Serves {"logical_path", "options": {no_create, replica_number, leaf_resource_name, …}}.

    Errors: OBJ_PATH_DOES_NOT_EXIST, USER_INCOMPATIBLE_PARAMS, SYS_INVALID_INPUT_PARAM, CAT_NO_ACCESS_PERMISSION …
    """
    path = request.get("logical_path")
    options = request.get("options", {})
    if not isinstance(path, str) or not path or not isinstance(options, dict):
        raise IrodsError(errors.INPUT_ARG_NOT_WELL_FORMED_ERR, "touch needs a logical_path, and options as an object")
    path = paths.checked(path)
    if "replica_number" in options and "leaf_resource_name" in options:
        raise IrodsError(errors.USER_INCOMPATIBLE_PARAMS, "replica_number and leaf_resource_name exclude each other")
    moment = _moment(session, options)
    found = collections.find(session.db, path)
    if found is not None:
        if options.keys() & {"replica_number", "leaf_resource_name"}:
            raise IrodsError(errors.INVALID_OBJECT_TYPE, "a collection has no replicas")
        access.require(session.db, session.client, found.id, access.MODIFY_OBJECT)
        session.policy.static(session, "acPreProcForModifyCollMeta")
        collections.update(session.db, found, modified=moment)
        session.policy.static(session, "acPostProcForModifyCollMeta")
        return
    replicas = catalog.find(session.db, path)
    if not replicas:
        if options.get("no_create"):
            return
        if "replica_number" in options:
            raise IrodsError(errors.OBJ_PATH_DOES_NOT_EXIST, f"there is no data object '{path}'")
        _create(session, path, options)
        replicas = catalog.find(session.db, path)
    elif options.get("leaf_resource_name") and not any(each.resc == options["leaf_resource_name"] for each in replicas):
        raise IrodsError(errors.SYS_REPLICA_DOES_NOT_EXIST, f"no replica on {options['leaf_resource_name']}")
    access.require(session.db, session.client, replicas[0].data_id, access.MODIFY_OBJECT)
    chosen = _choose(replicas, options)
    info = points.empty_object_info(objPath=path, rescHier=chosen.hierarchy)
    session.policy.static(session, "acPreProcForModifyDataObjMeta", (), info)
    catalog.update(session.db, chosen, modified=moment)
    session.policy.static(session, "acPostProcForModifyDataObjMeta", (), {**info, "dataId": chosen.data_id})


def _create(session: Session, path: str, options: dict[str, Any]) -> None:
    keywords = {}
    if options.get("leaf_resource_name"):
        keywords["leafRescName"] = str(options["leaf_resource_name"])
    number = opening.open_object(session, path, os.O_CREAT | os.O_WRONLY, _MODE, keywords)
    closing.close_replica(session, number)


def _choose(replicas: list[catalog.Replica], options: dict[str, Any]) -> catalog.Replica:
    if "replica_number" in options:
        for replica in replicas:
            if replica.repl_num == options["replica_number"]:
                return replica
        raise IrodsError(errors.SYS_REPLICA_DOES_NOT_EXIST, f"no replica {options['replica_number']}")
    if options.get("leaf_resource_name"):
        for replica in replicas:
            if replica.resc == options["leaf_resource_name"]:
                return replica
    good = [replica for replica in replicas if replica.status == catalog.ReplicaStatus.GOOD]
    return max(good or replicas, key=lambda replica: replica.modified)


def _moment(session: Session, options: dict[str, Any]) -> str:
    if "seconds_since_epoch" in options and "reference" in options:
        raise IrodsError(errors.USER_INCOMPATIBLE_PARAMS, "seconds_since_epoch and reference exclude each other")
    if "reference" in options:
        reference = paths.checked(str(options["reference"]))
        row = collections.find(session.db, reference)
        if row is not None:
            return row.modified
        replicas = catalog.find(session.db, reference)
        if not replicas:
            raise IrodsError(errors.OBJ_PATH_DOES_NOT_EXIST, f"there is no '{reference}'")
        return max(replica.modified for replica in replicas)
    seconds = options.get("seconds_since_epoch", int(time.time()))
    if not isinstance(seconds, int) or isinstance(seconds, bool) or not 0 <= seconds < 10**11:
        raise IrodsError(errors.SYS_INVALID_INPUT_PARAM, f"{seconds!r} is no time")
    return f"{seconds:011d}"
