"""The tables of the catalog, named as iRODS names them (schema.sql), and the rows that a fresh 5.0.2 zone has.

Names and columns are those of the iRODS catalog (schema version 12), because GenQuery and specific queries use them.
This module holds only fixed text and must never take part in a query.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from irods_zone.catalog.tokens import ACCESS_LEVELS, specific_query_rows, token_rows

SCHEMA_VERSION = 12
FIRST_ID = 10000
NEVER = "9999-12-31-23.59.00"


def ddl() -> str:
    """The script that creates every table and index."""
    return Path(__file__).with_name("schema.sql").read_text(encoding="utf-8")


@dataclass(frozen=True)
class NewZone:
    """What `fill` needs to know about a new zone."""

    zone: str
    admin: str
    password: str
    host: str
    resources: Sequence[tuple[str, str]]
    now: str


def fill(connection: sqlite3.Connection, new: NewZone) -> None:
    """Write the rows that the setup of a real server writes, in its order, so that ids agree."""
    ids = iter(range(FIRST_ID, FIRST_ID + 1000))
    insert = connection.execute
    many = connection.executemany
    stamps = (new.now, new.now)

    many("INSERT INTO R_TOKN_MAIN VALUES (?,?,?,?,?,?,'',?,?)", token_rows())
    many("INSERT INTO R_SPECIFIC_QUERY VALUES (?,?,?)", specific_query_rows())
    many(
        "INSERT INTO R_GRID_CONFIGURATION VALUES (?,?,?)",
        [
            ("database", "schema_version", str(SCHEMA_VERSION)),
            ("delay_server", "leader", new.host),
            ("delay_server", "successor", ""),
            ("authentication", "password_extend_lifetime", "1"),
            ("authentication", "password_min_time", "121"),
            ("authentication", "password_max_time", "1209600"),
            ("access_time", "queue_name_prefix", "irods_access_time_queue_"),
            ("access_time", "queue_size", "20000"),
            ("access_time", "batch_size", "20000"),
            ("access_time", "resolution_in_seconds", "86400"),
        ],
    )
    insert("INSERT INTO R_ZONE_MAIN VALUES (?,?,'local','','',?,?)", (next(ids), new.zone, *stamps))
    public, admin = next(ids), next(ids)
    many(
        "INSERT INTO R_USER_MAIN VALUES (?,?,?,?,'','',?,?)",
        [(public, "public", "rodsgroup", new.zone, *stamps), (admin, new.admin, "rodsadmin", new.zone, *stamps)],
    )
    many(
        "INSERT INTO R_USER_GROUP VALUES (?,?,?,?)",
        [(admin, admin, *stamps), (public, admin, *stamps), (public, public, *stamps)],
    )
    insert("INSERT INTO R_USER_PASSWORD VALUES (?,?,?,?,?)", (admin, new.password, NEVER, *stamps))

    root = f"/{new.zone}"
    for path in ("/", root, f"{root}/home", f"{root}/trash", f"{root}/trash/home"):
        _collection(connection, next(ids), path, new, admin)
    for path in (f"{root}/home/public", f"{root}/trash/home/public"):
        _collection(connection, next(ids), path, new, public)
    for path in (f"{root}/home/{new.admin}", f"{root}/trash/home/{new.admin}"):
        _collection(connection, next(ids), path, new, admin)

    _resource(connection, next(ids), "bundleResc", "bundle", "localhost", "/bundle", new)
    for name, vault in new.resources:
        _resource(connection, next(ids), name, "cache", new.host, vault, new)
    insert("INSERT INTO R_OBJECTID VALUES (?)", (next(ids),))


def _collection(connection: sqlite3.Connection, number: int, path: str, new: NewZone, owner: int) -> None:
    parent = "/" + path[1:].rpartition("/")[0]
    connection.execute(
        "INSERT INTO R_COLL_MAIN VALUES (?,?,?,?,?,0,'','','','','','',?,?)",
        (number, parent, path, new.admin, new.zone, new.now, new.now),
    )
    connection.execute(
        "INSERT INTO R_OBJT_ACCESS VALUES (?,?,?,?,?)", (number, owner, ACCESS_LEVELS["own"], new.now, new.now)
    )


def _resource(
    connection: sqlite3.Connection, number: int, name: str, class_name: str, host: str, vault: str, new: NewZone
) -> None:
    connection.execute(
        "INSERT INTO R_RESC_MAIN (resc_id, resc_name, zone_name, resc_type_name, resc_class_name, resc_net,"
        " resc_def_path, free_space, free_space_ts, resc_info, r_comment, resc_status, create_ts, modify_ts, hierarchy)"
        " VALUES (?,?,?,'unixfilesystem',?,?,?,'','','','','',?,?,?)",
        (number, name, new.zone, class_name, host, vault, new.now, new.now, name),
    )
