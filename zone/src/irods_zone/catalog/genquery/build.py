"""Builds the SQL of a GenQuery: columns, joins, conditions, the rows that a user may see, order.

The text is made of the catalog's own names and of templates from `conditions`; all values are bound. Only `limit_to`
hides rows from a user: every query of a user who is not an administrator passes it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from irods_zone.catalog.genquery.columns import COLUMNS, TABLES, Column
from irods_zone.catalog.genquery.conditions import parse_condition
from irods_zone.catalog.genquery.joins import join
from irods_zone.catalog.genquery.limits import check_conditions
from irods_zone.catalog.genquery.query import Aggregate, GenQuery, Option, Order, aggregate_of
from irods_zone.catalog.tokens import ACCESS_LEVELS
from irods_zone.errors import CAT_INVALID_ARGUMENT, CAT_UNKNOWN_TABLE, IrodsError

_FUNCTIONS = {
    Aggregate.MIN: "min",
    Aggregate.MAX: "max",
    Aggregate.SUM: "sum",
    Aggregate.AVG: "irods_avg",
    Aggregate.COUNT: "count",
}
# Rows are ordered by collection, data object and replica, after the order that the client requests.
_IMPLICIT_ORDER = ("COLL_NAME", "DATA_NAME", "DATA_REPL_NUM")
# Two conditions on attribute names of these are about two AVUs of the same object; iRODS refuses them for others.
_MANY_AVUS = {"r_data_meta_main": ("R_DATA_MAIN", "data_id"), "r_coll_meta_main": ("R_COLL_MAIN", "coll_id")}
_ONE_AVU = ("r_user_meta_main", "r_resc_meta_main", "r_resc_grp_meta_main")
# The column with the id of a data object or a collection.
_GUARDED = {
    "R_DATA_MAIN": "data_id",
    "R_COLL_MAIN": "coll_id",
    "r_data_metamap": "object_id",
    "r_coll_metamap": "object_id",
    "r_data_access": "object_id",
    "r_coll_access": "object_id",
    "r_ticket_coll_main": "coll_id",
    "r_ticket_data_coll_main": "coll_id",
}
# Aliases of tables that hold rows about objects of every kind (AVUs, access): alone, each would show the others' rows
# too. Users see them joined to the table of their own kind only.
_OF_KIND = re.compile(
    r"r_(data|coll|resc|resc_grp|rule|user|msrvc)_(?:meta_main|metamap|access|tokn_accs|user_group|user_main)$"
)
_KINDS = {
    "data": "R_DATA_MAIN",
    "coll": "R_COLL_MAIN",
    "resc": "R_RESC_MAIN",
    "resc_grp": "R_RESC_GROUP",
    "rule": "R_RULE_MAIN",
    "user": "R_USER_MAIN",
    "msrvc": "R_MICROSRVC_MAIN",
}


@dataclass(frozen=True)
class Statement:
    """SQL and what to bind to it."""

    sql: str
    parameters: tuple[str | int, ...]


@dataclass(frozen=True)
class Viewer:
    """The user who asks: the ids whose access counts (own, groups); None for an administrator, who sees every row."""

    ids: tuple[int, ...] | None
    user_id: int = 0


def build(query: GenQuery, viewer: Viewer) -> Statement:
    """The SQL of a query for a viewer.

    IrodsError: CAT_UNKNOWN_TABLE (no such column), CAT_FAILED_TO_LINK_TABLES, CAT_INVALID_ARGUMENT (a condition), and
    the errors of `limits`.
    """
    selects = [(_column(number), option) for number, option in query.selects]
    if not selects:
        raise IrodsError(CAT_INVALID_ARGUMENT, "the query selects nothing")
    conditions = [(_column(number), text) for number, text in query.conditions]
    tables = {column.table for column, _ in [*selects, *conditions]}
    start = _start([column for column, _ in selects], [column for column, _ in conditions])
    avus = Counter(column.table for column, _ in conditions if column.column == "meta_attr_name")
    tables |= {_MANY_AVUS[table][0] for table, count in avus.items() if count > 1 and table in _MANY_AVUS}
    if viewer.ids is not None:
        tables |= {_KINDS[match[1]] for match in map(_OF_KIND.match, tables) if match}
    joined = join(frozenset(tables), start)
    where = _Where([*joined.conditions])
    where.add_conditions(conditions, avus, upper=bool(query.options & Option.UPPER_CASE_WHERE))
    where.limit_to(viewer, joined.tables)

    parts = [
        "SELECT" if query.options & Option.NO_DISTINCT else "SELECT DISTINCT",
        ", ".join(_selected(column, option) for column, option in selects),
        "FROM",
        ", ".join([*(TABLES[table].sql for table in joined.tables), *where.more_tables]),
    ]
    if where.tests:
        parts += ["WHERE", " AND ".join(where.tests)]
    plain = [column.sql for column, option in selects if aggregate_of(option) is None]
    if plain and len(plain) < len(selects):
        parts += ["GROUP BY", ", ".join(plain)]
    order = _order(selects, distinct=not query.options & Option.NO_DISTINCT)
    if order:
        parts += ["ORDER BY", ", ".join(order)]
    parameters: list[str | int] = list(where.parameters)
    if query.partial_start_index > 0:
        parts.append("LIMIT -1 OFFSET ?")
        parameters.append(query.partial_start_index)
    return Statement(" ".join(parts), tuple(parameters))


def _column(number: int) -> Column:
    column = COLUMNS.get(number)
    if column is None:
        raise IrodsError(CAT_UNKNOWN_TABLE, f"there is no column {number}")
    return column


def _start(selected: Sequence[Column], tested: Sequence[Column]) -> str:
    """The table where the walk begins: as on the real server, the last table that is not a cycler."""
    start = ""
    for column in selected:
        if not TABLES[column.table].cycler or not start:
            start = column.table
    for column in tested:
        if not TABLES[column.table].cycler:
            start = column.table
    return start


def _selected(column: Column, option: int) -> str:
    aggregate = aggregate_of(option)
    return f"{_FUNCTIONS[aggregate]}({column.sql})" if aggregate is not None else column.sql


def _order(selects: Sequence[tuple[Column, int]], *, distinct: bool) -> list[str]:
    order: dict[str, str] = {}
    for column, option in selects:
        if option & (Order.ASCENDING | Order.DESCENDING):
            order.setdefault(column.sql, " DESC" if option & Order.DESCENDING else "")
    for name in _IMPLICIT_ORDER:
        for column, option in selects:
            if column.name == name and aggregate_of(option) is None:
                order.setdefault(column.sql, "")
    if distinct:
        # PostgreSQL sorts rows by all their columns to find the distinct ones, and clients see that order.
        for column, option in selects:
            if aggregate_of(option) is None:
                order.setdefault(column.sql, "")
    return [sql + direction for sql, direction in order.items()]


class _Where:
    """The WHERE clause under construction."""

    def __init__(self, tests: list[str]) -> None:
        self.tests = tests
        self.parameters: list[str | int] = []
        self.more_tables: list[str] = []

    def add_conditions(self, conditions: Sequence[tuple[Column, str]], avus: Counter[str], *, upper: bool) -> None:
        """The client's conditions; several on AVU names of one kind of object are about as many AVUs."""
        if any(avus[table] > 1 for table in _ONE_AVU):
            raise IrodsError(CAT_INVALID_ARGUMENT, "only one AVU of a user or resource can be asked for")
        for table, (kind, id_column) in _MANY_AVUS.items():
            for number in range(2, avus[table] + 1):
                link, meta = f"{table}_link{number}", f"{table}_{number}"
                self.more_tables += [f"R_OBJT_METAMAP {link}", f"R_META_MAIN {meta}"]
                self.tests += [f"{link}.meta_id = {meta}.meta_id", f"{link}.object_id = {kind}.{id_column}"]
        used: Counter[str] = Counter()
        parsed = [parse_condition(text, upper=upper) for _, text in conditions]
        check_conditions(parsed)
        for (column, _), condition in zip(conditions, parsed):
            sql = ""
            for test in condition.tests:
                name = column.sql
                # The first name and value tested belong to the first AVU, the second to the second …; units always
                # belong to the first, and so do the remaining tests of a condition with several.
                if column.table in _MANY_AVUS and column.column in ("meta_attr_name", "meta_attr_value"):
                    used[name] += 1
                    if 1 < used[name] <= avus[column.table]:
                        name = f"{column.table}_{used[column.sql]}.{column.column}"
                sql += (f" {test.connector} " if test.connector else "") + test.template.replace("{column}", name)
                self.parameters += test.values
            self.tests.append(f"({sql})")

    def limit_to(self, viewer: Viewer, tables: Sequence[str]) -> None:
        """Only rows of objects that the viewer may read, and tickets of their own."""
        if viewer.ids is None:
            return
        marks = ", ".join("?" * len(viewer.ids))
        for table in tables:
            if table in _GUARDED:
                self.tests.append(
                    f"{table}.{_GUARDED[table]} IN (SELECT object_id FROM R_OBJT_ACCESS"  # noqa: S608 - names of ours
                    f" WHERE user_id IN ({marks}) AND access_type_id >= ?)"
                )
                self.parameters += [*viewer.ids, ACCESS_LEVELS["read_object"]]
            elif table == "r_met2_meta_main":
                # AVUs of AVUs: there are none, and all other AVUs would appear here.
                self.tests.append("0")
            elif table == "R_TICKET_MAIN":
                self.tests.append("R_TICKET_MAIN.user_id = ?")
                self.parameters.append(viewer.user_id)
