"""Storage resources as rows (R_RESC_MAIN).

Files are kept on unixfilesystem resources. Other resources can be above them in a tree. The operations decide what such
a parent does with what is stored on it; here it is only a name in the hierarchy (root;…;leaf).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from irods_zone.catalog.database import Database, now
from irods_zone.errors import CAT_INVALID_RESOURCE_VAULT_PATH, SYS_RESC_DOES_NOT_EXIST, IrodsError

_COLUMNS = (
    "resc_id, resc_name, zone_name, resc_type_name, resc_class_name, resc_net, resc_def_path, resc_status,"
    " resc_context, resc_parent, r_comment, resc_info, free_space, hierarchy"
)
BUNDLE_CLASS = "bundle"


@dataclass(frozen=True)
class ResourceRow:
    """A row of R_RESC_MAIN."""

    id: int
    name: str
    zone: str
    type: str
    resource_class: str
    host: str
    vault: str
    status: str
    context: str
    parent: str
    comment: str
    info: str
    free_space: str
    hierarchy: str

    @property
    def is_storage(self) -> bool:
        """Whether files can be kept on it."""
        return self.type == "unixfilesystem" and self.resource_class != BUNDLE_CLASS


def _row(row: tuple[object, ...]) -> ResourceRow:
    return ResourceRow(int(str(row[0])), *("" if value is None else str(value) for value in row[1:]))


def find(db: Database, name: str) -> ResourceRow | None:
    """The resource of that name, or None."""
    row = db.execute(
        f"SELECT {_COLUMNS} FROM R_RESC_MAIN WHERE resc_name = ? AND zone_name = ?",  # noqa: S608 - a constant
        (name, db.zone),
    ).fetchone()
    return _row(row) if row else None


def by_id(db: Database, resc_id: int) -> ResourceRow | None:
    """The resource with that id, or None."""
    row = db.execute(f"SELECT {_COLUMNS} FROM R_RESC_MAIN WHERE resc_id = ?", (resc_id,)).fetchone()  # noqa: S608
    return _row(row) if row else None


def require(db: Database, name: str) -> ResourceRow:
    """The resource of that name; IrodsError(SYS_RESC_DOES_NOT_EXIST) if there is none."""
    found = find(db, name)
    if found is None:
        raise IrodsError(SYS_RESC_DOES_NOT_EXIST, f"resource '{name}' does not exist")
    return found


def all_resources(db: Database) -> Iterator[ResourceRow]:
    """Every resource, in the order they were made."""
    return iter([_row(row) for row in db.execute(f"SELECT {_COLUMNS} FROM R_RESC_MAIN ORDER BY resc_id")])  # noqa: S608


def create(
    db: Database, name: str, resource_type: str, host: str = "", vault: str = "", context: str = ""
) -> ResourceRow:
    """Register a resource; CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME if the name is taken."""
    if resource_type == "unixfilesystem" and not vault.startswith("/"):
        raise IrodsError(CAT_INVALID_RESOURCE_VAULT_PATH, f"vault path '{vault}' is not absolute")
    stamp = now()
    with db.transaction():
        number = db.next_id()
        db.execute(
            "INSERT INTO R_RESC_MAIN (resc_id, resc_name, zone_name, resc_type_name, resc_class_name, resc_net,"
            " resc_def_path, resc_children, resc_context, resc_parent, resc_objcount, resc_parent_context,"
            " create_ts, modify_ts, hierarchy) VALUES (?,?,?,?,'cache',?,?,'',?,'',0,'',?,?,?)",
            (
                number,
                name,
                db.zone,
                resource_type,
                host or "EMPTY_RESC_HOST",
                vault or "EMPTY_RESC_PATH",
                context,
                stamp,
                stamp,
                name,
            ),
        )
    return require(db, name)


def children(db: Database, resource: ResourceRow) -> list[ResourceRow]:
    """The resources directly below one, in the order they were made."""
    return [row for row in all_resources(db) if row.parent == str(resource.id)]


def leaves(db: Database, resource: ResourceRow) -> list[ResourceRow]:
    """The storage resources at the ends of the tree below a resource; the resource itself if it is one."""
    if resource.is_storage:
        return [resource]
    return [leaf for child in children(db, resource) for leaf in leaves(db, child)]


def set_parent(db: Database, child: ResourceRow, parent: ResourceRow | None, context: str = "") -> None:
    """Put a resource below another, or remove it from its parent (None). Checks nothing."""
    with db.transaction():
        db.execute(
            "UPDATE R_RESC_MAIN SET resc_parent = ?, resc_parent_context = ?, modify_ts = ? WHERE resc_id = ?",
            (str(parent.id) if parent else "", context, now(), child.id),
        )
        renew_hierarchies(db)


def renew_hierarchies(db: Database) -> None:
    """Compute all hierarchies again, after a change of a name or a parent."""
    rows = {str(row.id): row for row in all_resources(db)}
    with db.transaction():
        for row in rows.values():
            names, above = [row.name], row.parent
            while above in rows and len(names) <= len(rows):
                names.append(rows[above].name)
                above = rows[above].parent
            db.execute("UPDATE R_RESC_MAIN SET hierarchy = ? WHERE resc_id = ?", (";".join(names[::-1]), row.id))


def replica_count(db: Database, resource: ResourceRow) -> int:
    """The number of replicas stored on a resource."""
    return int(db.execute("SELECT count(*) FROM R_DATA_MAIN WHERE resc_id = ?", (resource.id,)).fetchone()[0])
