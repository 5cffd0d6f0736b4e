"""Which component uses which data object as its source: one small database in the state folder.

It exists besides the `ova::used_by` facts, because those need the right to change the object's AVUs, and because a
client that removes an object may not see the components of others. Uses can become stale (no hook reports every removal
of a component): `ova_rules.images.in_use` asks the catalog before it counts one. The database is made with the first
use.

Paths are stored as bytes and compare by byte, so that all paths below a collection are one range of the index.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

from ova_rules.state import directory
from ova_tools.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

_NAME = "images.sqlite"
_PATIENCE_SECONDS = 10.0  # for transactions of other agents, which take a millisecond each
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS use (component BLOB PRIMARY KEY, source BLOB NOT NULL) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS use_by_source ON use (source)",
)


@dataclass(frozen=True, order=True)
class Use:
    """A component and the path of the data object that is its source."""

    source: str
    component: str


def source_of(configured: str, component: str) -> str | None:
    """The source that a component was last seen to use."""
    rows = _rows(configured, "SELECT source FROM use WHERE component = :at", {"at": _bytes(component)})
    return _text(rows[0][0]) if rows else None


def users_of(configured: str, source: str) -> list[str]:
    """The components that use a data object, sorted."""
    rows = _rows(configured, "SELECT component FROM use WHERE source = :at", {"at": _bytes(source)})
    return sorted(_text(row[0]) for row in rows)


def uses_from_outside(configured: str, path: str) -> list[Use]:
    """The uses of objects at or below `path` by components outside of it, sorted."""
    condition = f"{_at_or_below('source')} AND NOT {_at_or_below('component')}"
    return _uses(configured, condition, path)


def uses_by(configured: str, path: str) -> list[Use]:
    """The uses by components at or below `path`, sorted."""
    return _uses(configured, _at_or_below("component"), path)


def note(configured: str, component: str, source: str | None) -> None:
    """Notes the source that a component uses from now on; None: none."""
    if source is None:
        _change(configured, "DELETE FROM use WHERE component = ?", [(_bytes(component),)])
    else:
        _change(configured, "INSERT OR REPLACE INTO use VALUES (?, ?)", [(_bytes(component), _bytes(source))])


def forget(configured: str, uses: Sequence[Use]) -> None:
    """Removes these uses. A component that has another source meanwhile keeps that."""
    pairs = [(_bytes(use.component), _bytes(use.source)) for use in uses]
    _change(configured, "DELETE FROM use WHERE component = ? AND source = ?", pairs)


def renamed(configured: str, old: str, new: str) -> None:
    """Notes that the components at or below `old` are now at or below `new`."""
    moved = [use.component for use in uses_by(configured, old)]
    pairs = [(_bytes(new + component[len(old) :]), _bytes(component)) for component in moved]
    _change(configured, "UPDATE OR REPLACE use SET component = ? WHERE component = ?", pairs)


def _at_or_below(column: str) -> str:
    return f"({column} = :at OR ({column} > :first AND {column} < :last))"


def _uses(configured: str, condition: str, path: str) -> list[Use]:
    at = _bytes(path)
    values = {"at": at, "first": at + b"/", "last": at + b"0"}  # "0" is the character after "/"
    rows = _rows(configured, f"SELECT source, component FROM use WHERE {condition}", values)  # noqa: S608 - no input
    return sorted(Use(_text(row[0]), _text(row[1])) for row in rows)


def _bytes(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")


def _rows(configured: str, text: str, values: dict[str, bytes]) -> list[tuple[bytes, ...]]:
    file = os.path.join(directory(configured), _NAME)
    if not os.path.exists(file) or not os.path.getsize(file):
        return []
    with _connected(file) as connection:
        return list(connection.execute(text, values))


def _change(configured: str, text: str, rows: Sequence[tuple[bytes, ...]]) -> None:
    file = os.path.join(directory(configured), _NAME)
    if not rows or (not text.startswith("INSERT") and not os.path.exists(file)):
        return
    with _connected(file) as connection, connection:
        for part in _SCHEMA:
            connection.execute(part)
        connection.executemany(text, rows)


@contextmanager
def _connected(file: str) -> Iterator[Connection]:
    import sqlite3

    with closing(sqlite3.connect(file, timeout=_PATIENCE_SECONDS)) as connection:
        yield connection
