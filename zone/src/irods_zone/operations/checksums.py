"""Computes, registers and verifies checksums of data objects."""

from __future__ import annotations

import os

from irods_zone import errors, paths
from irods_zone.catalog import access
from irods_zone.catalog import objects as catalog
from irods_zone.catalog.objects import Replica, ReplicaStatus
from irods_zone.errors import IrodsError
from irods_zone.operations import files, hashing, opening, points, resources, states, stats, vault
from irods_zone.operations.failures import DetailedError
from irods_zone.session import Session


def checksum(session: Session, path: str, keywords: dict[str, str] | None = None) -> str:
    """The checksum of a data object; computed and registered if there is none yet (or with `forceChksum`).

    A user who may only read the object gets a registered one, else CAT_NO_ACCESS_PERMISSION.

    With `verifyChksum` nothing is registered (see `verify`), and the result is ''.
    """
    keywords = {} if keywords is None else keywords
    path = paths.checked(path)
    keywords["translatedPath"] = ""
    admin = opening.is_admin_call(session, keywords)
    single = keywords.get("replNum") or keywords.get("rescName")
    if ("replNum" in keywords and "rescName" in keywords) or ("ChksumAll" in keywords and single):
        raise IrodsError(errors.USER_INCOMPATIBLE_PARAMS, "replica, resource and all exclude each other")
    if keywords.get("rescName"):
        resources.by_name(session, keywords["rescName"])
    replicas = stats.require_replicas(session, path)
    if not admin:
        access.require(session.db, session.client, replicas[0].data_id, access.READ_OBJECT)
    good = [replica for replica in replicas if replica.status == ReplicaStatus.GOOD]
    chosen = (
        [_choose(replicas, keywords)]
        if single or ("verifyChksum" not in keywords and "ChksumAll" not in keywords)
        else good
    )
    if not chosen:
        raise IrodsError(errors.SYS_NO_GOOD_REPLICA, f"'{path}' has no good replica")
    if "verifyChksum" in keywords:
        verify(chosen, compute="no_compute" not in keywords, skipped=0 if single else len(replicas) - len(good))
        return ""
    keywords.setdefault("resc_hier", chosen[0].hierarchy)
    found = [_computed(session, replica, keywords, admin=admin) for replica in chosen]
    if len(set(found)) > 1:
        session.error_stack.append((errors.USER_CHKSUM_MISMATCH, _DIFFERENT))
        return ""
    return found[-1]


_DIFFERENT = "WARNING: Data object has replicas with different checksums."


def _choose(replicas: list[Replica], keywords: dict[str, str]) -> Replica:
    chosen = states.choose(replicas, keywords, write=False)
    if chosen.status not in (ReplicaStatus.GOOD, ReplicaStatus.STALE):
        raise IrodsError(errors.LOCKED_DATA_OBJECT_ACCESS, f"'{chosen.logical_path}' is being written")
    return chosen


def _computed(session: Session, replica: Replica, keywords: dict[str, str], *, admin: bool) -> str:
    if replica.checksum and "forceChksum" not in keywords:
        return replica.checksum
    if not admin:
        access.require(session.db, session.client, replica.data_id, access.MODIFY_OBJECT)
    handle = files.open_(session, replica, os.O_RDONLY)
    try:
        found = hashing.of_file(replica.path, hashing.scheme_of(keywords.get("regChksum", "")))
    finally:
        files.close(session, handle)
    info = points.object_info(replica)
    session.policy.static("acPreProcForModifyDataObjMeta", (), info)
    catalog.update(session.db, replica, checksum=found)
    session.policy.static("acPostProcForModifyDataObjMeta", (), info)
    return found


def verify(replicas: list[Replica], *, compute: bool = True, skipped: int = 0) -> None:
    """Compares sizes and checksums of the catalog with the files.

    DetailedError(CHECK_VERIFICATION_RESULTS) with a list of {error_code, message, severity} if there is anything to
    report.
    """
    results: list[dict[str, object]] = []

    def report(severity: str, code: int, message: str) -> None:
        results.append({"error_code": code, "message": f"{severity.upper()}: {message}", "severity": severity})

    if skipped:
        report("info", 0, f"Number of replicas skipped: {skipped}")
    for replica in replicas:
        try:
            if vault.size_of(replica.path) != replica.size:
                report("error", errors.USER_FILE_SIZE_MISMATCH,
                       f"Physical size does not match size in catalog for replica [{replica.repl_num}].")  # fmt: skip
        except IrodsError as error:
            report("error", error.code, f"Could not verify size for replica [{replica.repl_num}].")
    missing = [replica for replica in replicas if not replica.checksum]
    for replica in missing:
        report("warning", errors.CAT_NO_CHECKSUM_FOR_REPLICA,
               f"No checksum available for replica [{replica.repl_num}].")  # fmt: skip
    if not missing:
        for replica in replicas if compute else ():
            if hashing.of_file(replica.path, hashing.scheme_of(replica.checksum)) != replica.checksum:
                text = "Computed checksum does not match what is in the catalog for replica"
                report("error", errors.USER_CHKSUM_MISMATCH, f"{text} [{replica.repl_num}].")
        if len({replica.checksum for replica in replicas}) > 1:
            results.append({"error_code": errors.USER_CHKSUM_MISMATCH, "message": _DIFFERENT, "severity": "warning"})
    if results:
        raise DetailedError(errors.CHECK_VERIFICATION_RESULTS, results, "the checksum could not be verified")


def of_descriptor(session: Session, number: int) -> str:
    """The checksum for a get: the registered one, or one computed but not registered."""
    replica = session.descriptors.get(number).replica
    return replica.checksum or hashing.of_file(replica.path)
