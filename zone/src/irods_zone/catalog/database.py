"""The SQLite file behind the catalog: creating it, opening it, transactions and object ids.

A connection belongs to one process: open it after the fork, never carry it across one. Every write goes through
`transaction()`, which takes the write lock at once (BEGIN IMMEDIATE): a reader that upgrades could fail with "database
is locked" whatever the timeout, a writer that queues cannot. Transactions are short; nothing waits for a client in one.
"""

from __future__ import annotations

import os
import random
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from irods_zone.catalog import functions, schema
from irods_zone.errors import (
    CAT_INVALID_ARGUMENT,
    CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME,
    CATALOG_NOT_CONNECTED,
    IrodsError,
)

# How long a writer queues for the write lock before it gives up. 32 busy agents wait milliseconds.
LOCK_SECONDS = 120.0


def now() -> str:
    """The time as the catalog stores it: seconds since 1970 in eleven digits."""
    return f"{int(time.time()):011d}"


class Database:
    """One process's connection to the catalog."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._depth = 0
        self.path = path
        self.zone = ""

    @classmethod
    def create(
        cls,
        path: Path,
        *,
        zone: str,
        admin: str,
        password: str,
        host: str,
        port: int = 1247,
        resources: Sequence[tuple[str, str]] = (("demoResc", ""),),
    ) -> Database:
        """Make the file (mode 0600: it holds passwords) with the rows of a fresh zone, and open it.

        resources: (name, vault directory) of each unixfilesystem resource. FileExistsError if the file is there.
        """
        path = Path(path)
        partial = path.with_name(f"{path.name}.{os.getpid()}.new")
        # Filled under another name first: a creator that dies half-way must not leave half a catalog behind.
        partial.unlink(missing_ok=True)
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        try:
            connection = sqlite3.connect(partial, isolation_level=None)
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("PRAGMA journal_mode = MEMORY")
            connection.executescript("BEGIN;" + schema.ddl())
            new = schema.NewZone(zone, admin, password, host, [(name, str(vault)) for name, vault in resources], now())
            schema.fill(connection, new)
            connection.execute("COMMIT")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.close()
            os.link(partial, path)
        finally:
            partial.unlink(missing_ok=True)
        return cls.open(path)

    @classmethod
    def open(cls, path: Path) -> Database:
        """Connect to an existing catalog; FileNotFoundError if there is none."""
        path = Path(path)
        if not path.exists():
            raise FileNotFoundError(f"{path} is not there: no zone was created here")
        connection = sqlite3.connect(path, timeout=LOCK_SECONDS, isolation_level=None, cached_statements=256)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        # PostgreSQL's LIKE heeds case.
        connection.execute("PRAGMA case_sensitive_like = ON")
        connection.execute("PRAGMA cache_size = -8000")
        functions.register(connection)
        database = cls(connection, path)
        row = database.execute("SELECT zone_name FROM R_ZONE_MAIN WHERE zone_type_name = 'local'").fetchone()
        database.zone = str(row[0])
        return database

    def close(self) -> None:
        """Close the connection; using it afterwards raises IrodsError(CATALOG_NOT_CONNECTED)."""
        self._connection.close()

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run one statement. Values go in `parameters`, never into the text.

        A broken unique index becomes IrodsError(CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME), as on the real server.
        """
        try:
            return self._connection.execute(sql, parameters)
        except sqlite3.IntegrityError as error:
            raise IrodsError(CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME) from error
        except sqlite3.ProgrammingError as error:
            if "closed" in str(error):
                raise IrodsError(CATALOG_NOT_CONNECTED) from error
            raise
        except (OverflowError, UnicodeEncodeError) as error:
            raise IrodsError(CAT_INVALID_ARGUMENT, str(error)) from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside is committed together, or not at all if an exception leaves the block.

        The outermost block takes the write lock at once. Blocks nest: an inner one that fails undoes its own part.
        """
        if self._depth:
            begin, commit, undo = f"SAVEPOINT s{self._depth}", f"RELEASE s{self._depth}", f"ROLLBACK TO s{self._depth}"
        else:
            begin, commit, undo = "BEGIN IMMEDIATE", "COMMIT", "ROLLBACK"
        self._begin(begin)
        self._depth += 1
        try:
            yield
        except BaseException:
            self._depth -= 1
            # SQLite may have rolled back by itself (disk full): then there is nothing left to undo.
            if self._connection.in_transaction:
                self._connection.execute(undo)
                if self._depth:
                    self._connection.execute(commit)
            raise
        self._depth -= 1
        self._connection.execute(commit)

    def _begin(self, statement: str) -> None:
        deadline = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                self._connection.execute(statement)
            except sqlite3.OperationalError as error:
                # Seen while another process closes the last connection and removes the log file.
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(random.uniform(0.001, 0.02))  # noqa: S311 - spreads the queue, no secret
            else:
                return

    def has_token(self, namespace: str, name: str) -> bool:
        """Whether one of the catalog's vocabularies has a word."""
        query = "SELECT 1 FROM R_TOKN_MAIN WHERE token_namespace = ? AND token_name = ?"
        return self.execute(query, (namespace, name)).fetchone() is not None

    def next_id(self) -> int:
        """A new object id (one sequence for all kinds, as in iRODS)."""
        with self.transaction():
            self.execute("UPDATE R_OBJECTID SET next_id = next_id + 1")
            return int(self.execute("SELECT next_id - 1 FROM R_OBJECTID").fetchone()[0])
