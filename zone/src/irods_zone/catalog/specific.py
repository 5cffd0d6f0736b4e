"""Specific queries: SQL that an administrator stored under a name, run with the client's values as bound parameters.

Stored SQL runs on a separate connection that cannot write. For users who are not administrators, views hide the tables
of collections, data objects, their AVUs, access rows and tickets, and show only what that user may see.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from irods_zone.catalog import functions, users
from irods_zone.catalog.database import LOCK_SECONDS, Database, now
from irods_zone.catalog.genquery.query import DEFAULT_ROWS, Option
from irods_zone.catalog.genquery.run import Cursors, Page, first_page, next_page
from irods_zone.catalog.tokens import ACCESS_LEVELS
from irods_zone.catalog.users import User
from irods_zone.errors import (
    CAT_INSUFFICIENT_PRIVILEGE_LEVEL,
    CAT_INVALID_ARGUMENT,
    CAT_NO_ROWS_FOUND,
    CAT_SQL_ERR,
    CAT_SUCCESS_BUT_WITH_NO_INFO,
    CAT_UNKNOWN_SPECIFIC_QUERY,
    ClientMessageError,
    IrodsError,
)

_SHORTEST_SQL = 5
_READABLE = (
    "(SELECT object_id FROM main.R_OBJT_ACCESS WHERE access_type_id >= ? AND user_id IN (SELECT id FROM viewer))"
)
# A view of the same name in the schema `temp` takes precedence over the table.
_VIEWS = {
    "R_COLL_MAIN": "coll_id IN (SELECT id FROM readable)",
    "R_DATA_MAIN": "data_id IN (SELECT id FROM readable)",
    "R_OBJT_ACCESS": "object_id IN (SELECT id FROM readable)",
    "R_OBJT_METAMAP": (
        "object_id IN (SELECT id FROM readable) OR object_id IN (SELECT user_id FROM main.R_USER_MAIN)"
        " OR object_id IN (SELECT resc_id FROM main.R_RESC_MAIN)"
    ),
    "R_META_MAIN": "meta_id IN (SELECT meta_id FROM temp.R_OBJT_METAMAP)",
    "R_TICKET_MAIN": "user_id IN (SELECT id FROM viewer)",
    "R_USER_PASSWORD": "0",
    "R_USER_SESSION_KEY": "0",
}


@dataclass(frozen=True)
class SpecificQuery:
    """A stored query by its alias or its SQL, with its arguments."""

    name: str
    arguments: tuple[str, ...] = ()
    max_rows: int = DEFAULT_ROWS
    continue_index: int = 0
    row_offset: int = 0
    options: int = 0


def execute(db: Database, user: User, query: SpecificQuery, cursors: Cursors) -> Page:
    """One page of the answer of a stored query; its columns have the number 0.

    IrodsError: CAT_UNKNOWN_SPECIFIC_QUERY, CAT_NO_ROWS_FOUND, CAT_SQL_ERR (values that do not fit the query).
    """
    if query.continue_index > 0:
        return next_page(cursors, query.continue_index, query.max_rows, query.options & Option.AUTO_CLOSE)
    row = db.execute(
        "SELECT sqlStr FROM R_SPECIFIC_QUERY WHERE sqlStr = ? OR alias = ? LIMIT 1", (query.name, query.name)
    ).fetchone()
    if row is None:
        raise IrodsError(CAT_UNKNOWN_SPECIFIC_QUERY, f"no specific query '{query.name}' is stored")
    connection = _reader(db, user)
    try:
        cursor = connection.execute(row[0], query.arguments)
        width = len(cursor.description or ())
        rows = [tuple("" if value is None else str(value) for value in found) for found in cursor]
    except (sqlite3.Error, sqlite3.Warning) as error:
        raise IrodsError(CAT_SQL_ERR, str(error)) from error
    finally:
        connection.close()
    rows = rows[max(query.row_offset, 0) :]
    if not rows:
        raise IrodsError(CAT_NO_ROWS_FOUND)
    return first_page(cursors, (0,) * width, rows, query.max_rows, query.options, 0)


def _reader(db: Database, user: User) -> sqlite3.Connection:
    connection = sqlite3.connect(db.path, timeout=LOCK_SECONDS, isolation_level=None)
    connection.execute("PRAGMA case_sensitive_like = ON")
    functions.register(connection)
    if not user.is_admin:
        connection.execute("CREATE TEMP TABLE viewer (id INTEGER PRIMARY KEY)")
        connection.executemany("INSERT INTO viewer VALUES (?)", [(number,) for number in users.ids_of(db, user)])
        connection.execute("CREATE TEMP TABLE readable (id INTEGER PRIMARY KEY)")
        connection.execute(f"INSERT OR IGNORE INTO readable {_READABLE[1:-1]}", (ACCESS_LEVELS["read_object"],))
        for table, test in _VIEWS.items():
            connection.execute(f"CREATE TEMP VIEW {table} AS SELECT * FROM main.{table} WHERE {test}")  # noqa: S608
    connection.execute("PRAGMA query_only = ON")
    connection.set_authorizer(_only_read if user.is_admin else _only_through_views)
    return connection


# The actions that the authorizer allows SQLite (sqlite3.h; the module has no names for two of them).
_ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, 31, 33}


def _only_read(action: int, first: str | None, second: str | None, schema: str | None, view: str | None) -> int:
    """Allow stored SQL only to select and to call functions."""
    return sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY


def _only_through_views(
    action: int, table: str | None, column: str | None, schema: str | None, view: str | None
) -> int:
    """As `_only_read`; also, a name like main.R_COLL_MAIN must not bypass the views."""
    if action == sqlite3.SQLITE_READ and schema == "main" and table in _VIEWS and view is None:
        return sqlite3.SQLITE_DENY
    return _only_read(action, table, column, schema, view)


def add(db: Database, actor: User, sql: str, alias: str = "") -> None:
    """Store a query (iadmin asq); CAT_INVALID_ARGUMENT if the alias is taken."""
    if not actor.is_admin:
        raise IrodsError(CAT_INSUFFICIENT_PRIVILEGE_LEVEL)
    if len(sql) < _SHORTEST_SQL:
        raise IrodsError(CAT_INVALID_ARGUMENT, "the SQL is too short to be any")
    with db.transaction():
        if alias and db.execute("SELECT 1 FROM R_SPECIFIC_QUERY WHERE alias = ?", (alias,)).fetchone():
            raise ClientMessageError(CAT_INVALID_ARGUMENT, "Alias is not unique")
        db.execute(
            "INSERT INTO R_SPECIFIC_QUERY (sqlStr, alias, create_ts) VALUES (?,?,?)", (sql, alias or None, now())
        )


def remove(db: Database, actor: User, sql_or_alias: str) -> None:
    """Forget a stored query, named by its SQL or its alias."""
    if not actor.is_admin:
        raise IrodsError(CAT_INSUFFICIENT_PRIVILEGE_LEVEL)
    with db.transaction():
        for column in ("sqlStr", "alias"):
            if db.execute(f"DELETE FROM R_SPECIFIC_QUERY WHERE {column} = ?", (sql_or_alias,)).rowcount:  # noqa: S608
                return
        raise IrodsError(CAT_SUCCESS_BUT_WITH_NO_INFO)
