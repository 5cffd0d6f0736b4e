"""Changes of access rights."""

from __future__ import annotations

from typing import Any

from irods_zone import errors, paths
from irods_zone.catalog import access as catalog
from irods_zone.errors import ClientMessageError, IrodsError
from irods_zone.operations import provider
from irods_zone.operations.failures import DetailedError, refusal
from irods_zone.session import Session


def modify(session: Session, level: str, user_name: str, zone: str, path: str, *, recursive: bool = False) -> None:
    """Does what ichmod requests; the catalog makes the checks."""
    name, _, named_zone = user_name.partition("#")
    path = paths.checked(path)
    if not session.config.is_provider:
        provider.modify_access(session, level, name, zone or named_zone, path, recursive=recursive)
        return
    args = (str(int(recursive)), level, name, zone or named_zone, path)
    session.policy.static("acPreProcForModifyAccessControl", args)
    try:
        catalog.set_access(session.db, session.client, level, name, zone or named_zone, path, recursive=recursive)
    except ClientMessageError as error:
        session.error_stack.append((0, error.message))
        raise
    session.policy.static("acPostProcForModifyAccessControl", args)


def require_parent(session: Session, path: str, *, admin: bool = False) -> None:
    """Raises an error, with a real server's message, unless the user may create something at `path`."""
    parent = paths.parent(path)
    try:
        catalog.require_collection(session.db, session.client, parent, catalog.MODIFY_OBJECT, admin=admin)
    except ClientMessageError as error:
        raise refusal(session, error.code, error.message) from error
    except IrodsError as error:
        raise refusal(session, error.code, f"no permission to update collection '{parent}'") from error


def atomic(session: Session, request: dict[str, Any]) -> dict[str, Any]:
    """Many changes of one object's access, all or none (API 20005)."""
    if not session.config.is_provider:
        return provider.atomic_access(session, request)
    path = request.get("logical_path")
    operations = request.get("operations")
    if not isinstance(path, str) or not isinstance(operations, list):
        raise IrodsError(errors.SYS_INVALID_INPUT_PARAM, "the request needs logical_path and operations")
    path = paths.checked(path)
    prefix = "admin:" if request.get("admin_mode") else ""
    index = 0
    operation: Any = None
    try:
        with session.db.transaction():
            for index, operation in enumerate(operations):  # noqa: B007 - the error names both
                entity, level = operation["entity_name"], operation["acl"]
                name, _, zone = str(entity).partition("#")
                catalog.set_access(session.db, session.client, prefix + str(level), name, zone, path)
    except (KeyError, TypeError) as error:
        message = f"an operation needs entity_name and acl: {error}"
        raise DetailedError(errors.SYS_INVALID_INPUT_PARAM, _details(message, operation, index), message) from error
    except IrodsError as error:
        raise DetailedError(error.code, _details(str(error), operation, index), error.message) from error
    return {}


def _details(message: str, operation: Any, index: int) -> dict[str, Any]:
    return {"error_message": message, "operation": operation, "operation_index": index}


def apply_serialized(session: Session, path: str, text: str) -> None:
    """Sets access rows in the form of iput --acl: level user;level user;…"""
    for row in filter(None, text.split(";")):
        level, _, user = row.strip().partition(" ")
        name, _, zone = user.strip().partition("#")
        modify(session, level, name, zone, path)
