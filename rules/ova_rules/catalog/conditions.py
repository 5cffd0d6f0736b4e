"""Conditions of catalog queries as GenQuery text, within the limits of a server. Pure.

GenQuery has no bound parameters: wildcards match what cannot be quoted. So a condition may let more pass than it says,
and the caller compares again. A server takes lists of at most 32,000 bytes in one query; alternatives (`||`) beyond
2,175 bytes crash its agent, so there are none here (docs/irods-facts.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

LIST_BYTES = 28000


def masked(text: str) -> str:
    """`text` for a LIKE pattern in single quotes: what cannot be quoted becomes one-character wildcards."""
    return "".join("_" if c in "'\\" or ord(c) < 32 else c for c in text)


def equals(column: str, value: str) -> str:
    """`column = value`; where the value cannot be quoted, more may pass."""
    mask = masked(value)
    return f"{column} = '{value}'" if mask == value else f"{column} like '{mask}'"


def at_least(column: str, number: int) -> str:
    """`column >= number`"""
    return f"{column} >= '{number}'"


def begins(column: str, start: str) -> str:
    """The column's value begins with this text; more may pass."""
    return f"{column} like '{masked(start)}%'"


def beside_collections(column: str, value: str) -> str:
    """`column = value` for a query that also names its collections; more may pass.

    A pattern that begins with a wildcard keeps the database from starting with all AVUs of that attribute. Thousands of
    collections share the one row of an AVU, and the statistics do not show that (docs/decisions/0017-no-patterns.md).
    """
    return f"{column} like '%{masked(value)}'"


def lists(column: str, values: Iterable[str]) -> Iterator[str]:
    """Conditions, each for one query, that together select rows whose column has one of these values; more may pass."""
    batch: list[str] = []
    room = LIST_BYTES
    for value in dict.fromkeys(values):
        if masked(value) != value:
            yield equals(column, value)
            continue
        size = len(value.encode()) + 1
        if size > room and batch:
            yield _in(column, batch)
            batch, room = [], LIST_BYTES
        batch.append(value)
        room -= size
    if batch:
        yield _in(column, batch)


def _in(column: str, values: list[str]) -> str:
    if len(values) == 1:
        return equals(column, values[0])
    quoted = ", ".join(f"'{value}'" for value in values)
    return f"{column} in ({quoted})"
