"""Runs queries: pages of rows, queries kept open between pages, the checks that a request can ask for.

Rows are read at once and kept here, so that no read transaction stays open between two requests of a client. This
module handles no SQL.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from irods_zone.catalog import access, users
from irods_zone.catalog.database import Database
from irods_zone.catalog.genquery import quota
from irods_zone.catalog.genquery.build import Viewer, build
from irods_zone.catalog.genquery.limits import check_rows
from irods_zone.catalog.genquery.query import GenQuery, Option
from irods_zone.catalog.tokens import ACCESS_LEVELS
from irods_zone.catalog.users import User
from irods_zone.errors import (
    CAT_INVALID_ARGUMENT,
    CAT_NO_ACCESS_PERMISSION,
    CAT_NO_ROWS_FOUND,
    CAT_SQL_ERR,
    CAT_STATEMENT_TABLE_FULL,
    SYS_INVALID_ZONE_NAME,
    IrodsError,
)

# As on a real server: the number of queries that can be open on a connection, and the smallest slot of a value.
_MAX_OPEN = 50
_MIN_WIDTH = 50
_HIERARCHY = 422
_DATA_ID, _COLL_IDS = 401, (402, 500)

_ADMIN, _ZONE, _NOT_STRICT = "irodsAdmin", "zone", "disable_strict_acls"
_AS_USER, _AS_ZONE, _AS_LEVEL = "userNameClient", "rodsZoneClient", "accessPermission"


@dataclass(frozen=True)
class Page:
    """Some rows of an answer.

    columns: the column numbers; rows: texts, '' for null; continue_index: for the next page (0: no more rows, -1: more
    rows, but the query is closed); total: the number of all rows, if asked for; widths: the length of a value's slot,
    per column, as a C server allocates it.
    """

    columns: tuple[int, ...]
    rows: list[tuple[str, ...]]
    continue_index: int
    total: int
    widths: tuple[int, ...]


@dataclass
class _Open:
    columns: tuple[int, ...]
    rows: Iterator[tuple[str, ...]]


@dataclass
class Cursors:
    """The open queries of one connection."""

    slots: dict[int, _Open] = field(default_factory=dict)

    def add(self, columns: tuple[int, ...], rows: list[tuple[str, ...]]) -> int:
        """Keep an answer. Returns its continue index."""
        for index in range(1, _MAX_OPEN + 1):
            if index not in self.slots:
                self.slots[index] = _Open(columns, iter(rows))
                return index
        raise IrodsError(CAT_STATEMENT_TABLE_FULL, f"{_MAX_OPEN} queries are open already: close some")

    def close(self, index: int) -> None:
        """Forget an answer."""
        self.slots.pop(index, None)


def execute(db: Database, user: User, query: GenQuery, cursors: Cursors) -> Page:
    """One page of a query's answer, as the user may see it.

    IrodsError(CAT_NO_ROWS_FOUND) if there is none (or no more), CAT_UNKNOWN_TABLE for an unknown column,
    CAT_INVALID_ARGUMENT for an invalid condition, CAT_FAILED_TO_LINK_TABLES, and the errors of `limits` for long
    conditions and rows.
    """
    if query.continue_index > 0:
        return next_page(cursors, query.continue_index, query.max_rows, query.options & Option.AUTO_CLOSE)
    _check_keywords(db, query.keywords)
    if query.options & Option.QUOTA_QUERY:
        columns: tuple[int, ...] = quota.COLUMNS
        rows = quota.rows(db, query)
    else:
        columns = tuple(number for number, _ in query.selects)
        rows = _rows(db, user, query)
    if not rows:
        raise IrodsError(CAT_NO_ROWS_FOUND)
    _check_access(db, query.keywords, columns, rows)
    return first_page(cursors, columns, rows, query.max_rows, query.options, query.partial_start_index)


def _rows(db: Database, user: User, query: GenQuery) -> list[tuple[str, ...]]:
    viewer = Viewer(None) if user.is_admin else Viewer(tuple(users.ids_of(db, user)), user.id)
    statement = build(query, viewer)
    try:
        found = db.execute(statement.sql, statement.parameters).fetchall()
    except (sqlite3.OperationalError, sqlite3.InterfaceError) as error:
        raise IrodsError(CAT_SQL_ERR, str(error)) from error
    return [tuple("" if value is None else str(value) for value in row) for row in found]


def first_page(
    cursors: Cursors, columns: tuple[int, ...], rows: list[tuple[str, ...]], max_rows: int, options: int, offset: int
) -> Page:
    """The first page of some rows; the rest is kept open if the page is full (a real server does not look ahead)."""
    total = len(rows) + max(offset, 0) if options & Option.RETURN_TOTAL_ROW_COUNT else 0
    if len(rows) < max_rows:
        return _page(columns, rows, 0, total)
    if options & Option.AUTO_CLOSE:
        return _page(columns, rows[: max(max_rows, 0)], -1, total)
    index = cursors.add(columns, rows)
    return _page(columns, _take(cursors.slots[index].rows, max_rows), index, total)


def next_page(cursors: Cursors, index: int, max_rows: int, auto_close: int) -> Page:
    """The next page of an open query; max_rows <= 0 closes it."""
    if max_rows <= 0:
        cursors.close(index)
        return Page((), [], 0, 0, ())
    kept = cursors.slots.get(index)
    if kept is None:
        raise IrodsError(CAT_INVALID_ARGUMENT, f"no query is open under {index}")
    rows = _take(kept.rows, max_rows)
    if len(rows) < max_rows:
        cursors.close(index)
        if not rows:
            raise IrodsError(CAT_NO_ROWS_FOUND)
        return _page(kept.columns, rows, 0, 0)
    if auto_close:
        cursors.close(index)
    return _page(kept.columns, rows, -1 if auto_close else index, 0)


def _take(rows: Iterator[tuple[str, ...]], count: int) -> list[tuple[str, ...]]:
    return [row for _, row in zip(range(count), rows)]


def _page(columns: tuple[int, ...], rows: list[tuple[str, ...]], index: int, total: int) -> Page:
    check_rows(columns, rows)
    width = 0
    for row in rows:
        longest = max(max(len(value.encode("utf-8", "surrogateescape")) for value in row) + 1, _MIN_WIDTH)
        if not width:
            width = longest
        elif longest > width:
            width = longest + _MIN_WIDTH
    widths = [width] * len(columns)
    for position, column in enumerate(columns):
        # A real server fills in hierarchies afterwards, in slots of exactly their length.
        if column == _HIERARCHY:
            widths[position] = max((len(row[position].encode()) for row in rows), default=0) + 1
    return Page(columns, rows, index, total, tuple(widths))


def _check_keywords(db: Database, keywords: Mapping[str, str]) -> None:
    zone = keywords.get(_ZONE, "").strip("/").partition("/")[0]
    if zone:
        known = db.execute("SELECT 1 FROM R_ZONE_MAIN WHERE lower(zone_name) = lower(?)", (zone,)).fetchone()
        if known is None:
            raise IrodsError(SYS_INVALID_ZONE_NAME, f"zone '{zone}' is not known")
    if not keywords or _ADMIN in keywords or set(keywords) == {_ZONE}:
        return
    if {_AS_USER, _AS_ZONE, _AS_LEVEL} <= set(keywords) or _NOT_STRICT in keywords:
        return
    raise IrodsError(CAT_INVALID_ARGUMENT, f"keywords that say nothing to a query: {', '.join(keywords)}")


def _check_access(
    db: Database, keywords: Mapping[str, str], columns: tuple[int, ...], rows: Sequence[tuple[str, ...]]
) -> None:
    """Check the level that a query requires a user to have on its rows; one row without it fails the whole query."""
    if not {_AS_USER, _AS_ZONE, _AS_LEVEL} <= set(keywords) or _ADMIN in keywords:
        return
    positions = [columns.index(number) for number in (_DATA_ID, *_COLL_IDS) if number in columns]
    if not positions:
        raise IrodsError(CAT_INVALID_ARGUMENT, "the query selects no id whose access could be checked")
    named_user = users.find(db, keywords[_AS_USER], keywords[_AS_ZONE])
    level = ACCESS_LEVELS.get(keywords[_AS_LEVEL].replace(" ", "_"))
    for object_id in {row[positions[0]] for row in rows}:
        if named_user is None or level is None or access.level_of(db, named_user, int(object_id)) < level:
            raise IrodsError(CAT_NO_ACCESS_PERMISSION)
