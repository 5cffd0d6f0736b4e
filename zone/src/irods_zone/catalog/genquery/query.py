"""A GenQuery as a value, with the bits that clients send (rodsGenQuery.h). No SQL here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag

DEFAULT_ROWS = 256
# A selected column's option: the low bits are an aggregate, these two bits an order.
_AGGREGATE_BITS = 0xF


class Option(IntFlag):
    """Options of a whole query."""

    RETURN_TOTAL_ROW_COUNT = 0x20
    NO_DISTINCT = 0x40
    QUOTA_QUERY = 0x80
    AUTO_CLOSE = 0x100
    UPPER_CASE_WHERE = 0x200


class Order(IntFlag):
    """Order bits of a selected column."""

    ASCENDING = 0x400
    DESCENDING = 0x800


class Aggregate(IntEnum):
    """Aggregates of a selected column; any other number is the plain column."""

    MIN = 2
    MAX = 3
    SUM = 4
    AVG = 5
    COUNT = 6


def aggregate_of(option: int) -> Aggregate | None:
    """The aggregate in a selected column's option, if there is one."""
    bits = option & _AGGREGATE_BITS
    return Aggregate(bits) if bits in Aggregate.__members__.values() else None


@dataclass(frozen=True)
class GenQuery:
    """A query as clients send it.

    selects: (column number, option), conditions: (column number, text such as "= 'x'"), keywords: condInput.
    A continue_index above 0 requests the next page of an open query, or closes the query if max_rows <= 0.
    """

    selects: Sequence[tuple[int, int]]
    conditions: Sequence[tuple[int, str]] = ()
    max_rows: int = DEFAULT_ROWS
    continue_index: int = 0
    options: int = 0
    keywords: Mapping[str, str] = field(default_factory=dict)
    partial_start_index: int = 0
