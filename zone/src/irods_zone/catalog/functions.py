"""Functions of PostgreSQL that SQLite lacks: upper case of all letters, exact averages, numeric casts.

Pure functions, registered on each connection. They never read the database.
"""

from __future__ import annotations

import re
import sqlite3
from decimal import Decimal
from typing import Any

_NUMBER = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*\Z")
_MIN_SIGNIFICANT_DIGITS = 16


def register(connection: sqlite3.Connection) -> None:
    """Register the functions on one connection."""
    connection.create_function("irods_upper", 1, upper, deterministic=True)
    connection.create_function("irods_number", 1, number, deterministic=True)
    connection.create_aggregate("irods_avg", 1, Average)  # type: ignore[arg-type]


def upper(value: Any) -> Any:
    """A text in upper case; a number or null unchanged."""
    return value.upper() if isinstance(value, str) else value


def number(value: Any) -> Any:
    """A text as a number, or None (which matches nothing) if it is not a number."""
    if not isinstance(value, str):
        return value
    if not _NUMBER.match(value):
        return None
    parsed = Decimal(value.strip())
    return int(parsed) if parsed == parsed.to_integral_value() and abs(parsed) < 2**63 else float(parsed)


class Average:
    """avg() with as many decimals as PostgreSQL's numeric division gives (2.0000000000000000)."""

    def __init__(self) -> None:
        self._sum = Decimal(0)
        self._count = 0

    def step(self, value: Any) -> None:
        """One row's value; values that are not numbers are ignored."""
        as_number = number(value)
        if as_number is not None:
            self._sum += Decimal(str(as_number))
            self._count += 1

    def finalize(self) -> str | None:
        """The average as text, None without rows."""
        return quotient(self._sum, self._count) if self._count else None


def quotient(dividend: Decimal, divisor: int) -> str:
    """dividend / divisor, to the scale that PostgreSQL chooses (at least 16 significant digits, in steps of four)."""
    weight, first = _leading(abs(dividend))
    weight2, first2 = _leading(Decimal(divisor))
    quotient_weight = weight - weight2 - (1 if first <= first2 else 0)
    scale = max(_MIN_SIGNIFICANT_DIGITS - quotient_weight * 4, 0)
    return f"{dividend / divisor:.{scale}f}"


def _leading(value: Decimal) -> tuple[int, int]:
    """PostgreSQL's weight of a number (the power of 10000 of its first digit) and that digit."""
    if value == 0:
        return 0, 0
    weight = (value.adjusted()) // 4
    return weight, int(value / (Decimal(10000) ** weight))
