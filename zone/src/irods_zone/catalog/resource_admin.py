"""Changes of resources by administrators: make, change, arrange in trees, remove. Vaults and files are not touched."""

from __future__ import annotations

from irods_zone.catalog import resources
from irods_zone.catalog.database import Database, now
from irods_zone.catalog.privileges import require_admin
from irods_zone.catalog.users import User
from irods_zone.errors import (
    CAT_INVALID_ARGUMENT,
    CAT_INVALID_CHILD,
    CAT_INVALID_RESOURCE,
    CAT_INVALID_RESOURCE_NAME,
    CAT_NO_ROWS_FOUND,
    CAT_PSEUDO_RESC_MODIFY_DISALLOWED,
    CAT_RESOURCE_NOT_EMPTY,
    CHILD_EXISTS,
    CHILD_HAS_PARENT,
    CHILD_NOT_FOUND,
    HIERARCHY_ERROR,
    ClientMessageError,
    IrodsError,
)

_COLUMNS = {
    "comment": "r_comment",
    "info": "resc_info",
    "freespace": "free_space",
    "free_space": "free_space",
    "host": "resc_net",
    "type": "resc_type_name",
    "path": "resc_def_path",
    "status": "resc_status",
    "name": "resc_name",
    "context": "resc_context",
}


def make(
    db: Database, actor: User, name: str, resource_type: str, host_and_path: str = "", context: str = ""
) -> resources.ResourceRow:
    """Register a resource; host_and_path is host:/vault/path."""
    require_admin(actor)
    _check_resource_name(name)
    host, _, vault = host_and_path.partition(":")
    return resources.create(db, name, resource_type, host, vault, context)


def modify(db: Database, actor: User, name: str, option: str, value: str) -> None:
    """Change one attribute of a resource: comment, info, freespace, host, type, path, status, name or context."""
    require_admin(actor)
    resource = _resource(db, name)
    column = _COLUMNS.get(option)
    if column is None:
        raise IrodsError(CAT_INVALID_ARGUMENT, f"'{option}' of a resource cannot be changed")
    if option == "name":
        _check_resource_name(value)
    if option in ("freespace", "free_space") and value[:1] in ("+", "-"):
        value = str(int(resource.free_space or 0) + int(value))
    with db.transaction():
        db.execute(
            f"UPDATE R_RESC_MAIN SET {column} = ?, modify_ts = ? WHERE resc_id = ?",  # noqa: S608 - a name of ours
            (value, now(), resource.id),
        )
        resources.renew_hierarchies(db)


def add_child(db: Database, actor: User, parent_name: str, child_name: str, context: str = "") -> None:
    """Put a resource below another: CHILD_NOT_FOUND, CHILD_HAS_PARENT, CAT_INVALID_RESOURCE or HIERARCHY_ERROR."""
    require_admin(actor)
    parent, child = _resource(db, parent_name), resources.find(db, child_name)
    if child is None:
        raise IrodsError(CHILD_NOT_FOUND, f"resource '{child_name}' does not exist")
    if child.name in parent.hierarchy.split(";"):
        raise IrodsError(HIERARCHY_ERROR, f"'{child_name}' cannot be below '{parent_name}'")
    if child.parent == str(parent.id):
        return
    if child.parent:
        raise IrodsError(CHILD_HAS_PARENT, f"'{child_name}' is below another resource already")
    resources.set_parent(db, child, parent, context)


def remove_child(db: Database, actor: User, parent_name: str, child_name: str) -> None:
    """Remove a resource from its parent; CAT_INVALID_CHILD if it is not there."""
    require_admin(actor)
    parent, child = _resource(db, parent_name), _resource(db, child_name)
    if child.parent != str(parent.id):
        raise IrodsError(CAT_INVALID_CHILD, f"'{child_name}' is not below '{parent_name}'")
    resources.set_parent(db, child, None)


def remove(db: Database, actor: User, name: str, *, dry_run: bool = False) -> None:
    """Forget a resource that stores nothing (CAT_RESOURCE_NOT_EMPTY) and has no parent or child (CHILD_EXISTS)."""
    require_admin(actor)
    resource = _resource(db, name, unknown=CAT_NO_ROWS_FOUND)
    if resource.parent or resources.children(db, resource):
        raise ClientMessageError(CHILD_EXISTS, f"resource '{name}' has a parent or child")
    if resources.replica_count(db, resource):
        raise ClientMessageError(CAT_RESOURCE_NOT_EMPTY, f"resource '{name}' contains one or more dataObjects")
    if dry_run:
        return
    with db.transaction():
        db.execute("DELETE FROM R_RESC_MAIN WHERE resc_id = ?", (resource.id,))
        db.execute("DELETE FROM R_OBJT_METAMAP WHERE object_id = ?", (resource.id,))


def _resource(db: Database, name: str, *, unknown: int = CAT_INVALID_RESOURCE) -> resources.ResourceRow:
    resource = resources.find(db, name)
    if resource is None:
        raise IrodsError(unknown, f"resource '{name}' does not exist")
    if resource.resource_class == resources.BUNDLE_CLASS:
        raise IrodsError(CAT_PSEUDO_RESC_MODIFY_DISALLOWED)
    return resource


def _check_resource_name(name: str) -> None:
    if not name or any(character.isspace() for character in name) or ";" in name:
        raise IrodsError(CAT_INVALID_RESOURCE_NAME, f"'{name}' is not a name for a resource")
