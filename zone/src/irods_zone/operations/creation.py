"""Makes collections: one, or all that are missing above a path."""

from __future__ import annotations

from collections.abc import Mapping

from irods_zone import errors, paths
from irods_zone.catalog import access, collections
from irods_zone.errors import IrodsError
from irods_zone.operations import opening, points, provider, stats
from irods_zone.operations.failures import refusal
from irods_zone.session import Session

RECURSIVE = "recursiveOpr"


def create(session: Session, path: str, keywords: dict[str, str] | None = None) -> None:
    """Makes a collection, with those above it if `recursiveOpr` is given (then an existing one is no error)."""
    keywords = {} if keywords is None else keywords
    if not session.config.is_provider:
        provider.create_collection(session, path, keywords)
        return
    _require_zone(session, path)
    path = paths.checked(path)
    keywords["translatedPath"] = ""
    session.policy.static("acPreprocForCollCreate")
    if RECURSIVE in keywords:
        make_missing(session, path, keywords)
        points.touch_parent(session, path)
    else:
        _make(session, path, keywords)


def make_missing(session: Session, path: str, keywords: Mapping[str, str] | None = None) -> None:
    """Makes a collection and those above it, as far as they are missing."""
    if not session.config.is_provider:
        if not stats.is_visible_collection(session, path):
            provider.create_collection(session, path, {**(keywords or {}), RECURSIVE: ""})
        return
    missing: list[str] = []
    while not stats.is_visible_collection(session, path):
        _require_zone(session, path)
        missing.append(path)
        path = paths.parent(path)
    for collection in reversed(missing):
        session.policy.static("acPreprocForCollCreate")
        _make(session, collection, keywords or {})


def _require_zone(session: Session, path: str) -> None:
    if not path.startswith(f"/{session.config.zone_name}/"):
        text = f"a valid zone name does not appear at the root of the object path [{path}]"
        code = errors.SYS_INVALID_INPUT_PARAM
        raise refusal(session, code, f"{errors.name_of(code)}]  errno [] -- message [{text}]\n")


def _make(session: Session, path: str, keywords: Mapping[str, str]) -> None:
    if collections.find(session.db, path):
        raise IrodsError(errors.CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME, f"collection '{path}' exists")
    admin = opening.is_admin_call(session, keywords)
    parent = collections.find(session.db, paths.parent(path))
    if parent is None:
        raise refusal(session, errors.CAT_UNKNOWN_COLLECTION, f"collection '{paths.parent(path)}' is unknown")
    if not admin:
        access.require(session.db, session.client, parent.id, access.MODIFY_OBJECT)
    collections.insert(session.db, session.client, path)
    points.static_after(session, "acPostProcForCollCreate")
    points.touch_parent(session, path)
