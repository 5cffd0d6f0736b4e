"""The columns that GenQuery knows, their tables, and the links between the tables.

Facts of the iRODS catalog, read from columns.txt and links.txt: numbers (what clients send), names (what iquest and
rules write), tables, links. `joins` walks them in the order of the files. Nothing here builds SQL.
"""

from __future__ import annotations

from dataclasses import dataclass

from irods_zone.tables import lines_of


@dataclass(frozen=True)
class Column:
    """A column of GenQuery."""

    number: int
    name: str
    table: str
    column: str

    @property
    def sql(self) -> str:
        """The column in SQL."""
        return f"{self.table}.{self.column}"


@dataclass(frozen=True)
class Table:
    """A table of the catalog under the name that a query uses for it."""

    alias: str
    table: str
    cycler: bool

    @property
    def sql(self) -> str:
        """The table in SQL, after FROM."""
        return self.table if self.alias == self.table else f"{self.table} {self.alias}"


@dataclass(frozen=True)
class Link:
    """Two tables and the condition that joins them."""

    left: str
    right: str
    condition: str


def _parse_tables() -> tuple[dict[str, Table], dict[int, Column]]:
    tables: dict[str, Table] = {}
    columns: dict[int, Column] = {}
    alias = ""
    for line in lines_of(__file__, "columns.txt"):
        words = line.split()
        if line.startswith(" "):
            number, name, column = words
            columns[int(number)] = Column(int(number), "" if name == "-" else name, alias, column)
        else:
            alias = words[0]
            tables[alias] = Table(alias, words[2] if "=" in words else alias, words[-1] == "cycler")
    return tables, columns


TABLES, COLUMNS = _parse_tables()
LINKS: tuple[Link, ...] = tuple(Link(*line.split(" ", 2)) for line in lines_of(__file__, "links.txt"))
BY_NAME: dict[str, Column] = {column.name: column for column in COLUMNS.values() if column.name}
