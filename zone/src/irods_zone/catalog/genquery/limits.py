"""The limits of a real server's query: conditions and rows are held in buffers of fixed size.

Measured on 5.0.2 with PostgreSQL; the sizes are in plugins/database/src/general_query.cpp. All are bytes of UTF-8.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from irods_zone.catalog.genquery.columns import COLUMNS
from irods_zone.catalog.genquery.conditions import Buffer, Condition
from irods_zone.errors import CAT_GET_ROW_ERR, CAT_INVALID_ARGUMENT, SYS_INTERNAL_ERR, USER_STRLEN_TOOLONG, IrodsError

LISTED = 32000  # values of all IN lists of a query, each with a NUL
LISTED_COUNT = 5293  # the most values of them (the text of the WHERE clause has 16,000)
COMPARED = 16090  # values of all other comparisons, each with two bytes more
COMPOUND = 2175  # a condition with || or &&, after the column's name; and all such conditions of a query together

# The room of a row's slot. The catalog counts characters, so texts that fit there may be too long to read.
READABLE = {"meta_attr_name": 2700, "meta_attr_value": 2700, "meta_attr_unit": 250, "rule_name": 2700}


def check_conditions(conditions: Iterable[Condition]) -> None:
    """IrodsError for a query that is too large for a real server.

    USER_STRLEN_TOOLONG (IN, ||), CAT_INVALID_ARGUMENT (comparisons), SYS_INTERNAL_ERR where a real agent crashes.
    """
    listed = count = compared = kept = 0
    for condition in conditions:
        if len(condition.tests) > 1:
            if condition.size > COMPOUND:
                raise IrodsError(USER_STRLEN_TOOLONG, f"a condition of {condition.size} bytes; {COMPOUND} fit")
            kept += condition.kept
        for test in condition.tests:
            if test.buffer is Buffer.LIST:
                listed += sum(_size(value) + 1 for value in test.values)
                count += len(test.values)
            elif test.buffer is Buffer.VALUE:
                compared += sum(_size(value) + 2 for value in test.values)
    if listed > LISTED or count > LISTED_COUNT:
        raise IrodsError(USER_STRLEN_TOOLONG, f"IN lists of {count} values, {listed} bytes; {LISTED} fit")
    if compared > COMPARED:
        raise IrodsError(CAT_INVALID_ARGUMENT, f"values of {compared} bytes; {COMPARED} fit")
    if kept > COMPOUND:
        raise IrodsError(SYS_INTERNAL_ERR, f"conditions with || of {kept} bytes together: a real agent crashes")


def check_rows(columns: Sequence[int], rows: Sequence[tuple[str, ...]]) -> None:
    """IrodsError(CAT_GET_ROW_ERR) if a row holds a text that a real server cannot read back."""
    for position, number in enumerate(columns):
        column = COLUMNS.get(number)
        room = READABLE.get(column.column) if column else None
        if room and any(4 * len(row[position]) > room and _size(row[position]) > room for row in rows):
            raise IrodsError(CAT_GET_ROW_ERR, f"a text of over {room} bytes in column {number}")


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogateescape"))
