"""The rows of R_TOKN_MAIN and R_SPECIFIC_QUERY in a fresh zone: vocabularies and stored queries, read from files.

Values are those of a fresh 5.0.2 zone (tokens.txt, specific_queries.sql). No function here touches a database.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from irods_zone.tables import lines_of

_STAMP = "1170000000"
_QUERY = re.compile(r"^-- (\w+) (\d+)\n((?:[^-\n].*\n)+)", re.MULTILINE)

TokenRow = tuple[str, int, str, str, str, str, str, str]


def token_rows() -> Iterator[TokenRow]:
    """(namespace, id, name, value, value2, value3, created, modified) of every token."""
    for line in lines_of(__file__, "tokens.txt"):
        namespace, number, name, value, value2 = line.split(";")
        yield namespace, int(number), name, value, value2, "", _STAMP, _STAMP


def specific_query_rows() -> Iterator[tuple[str, str, str]]:
    """(alias, SQL, created) of every stored query."""
    text = Path(__file__).with_name("specific_queries.sql").read_text(encoding="utf-8")
    for alias, created, sql in _QUERY.findall(text):
        yield alias, " ".join(sql.split()), created


# Access levels as iRODS 5 numbers them. Clients write all their names with underscores.
ACCESS_LEVELS: dict[str, int] = {
    name.replace(" ", "_"): number for namespace, number, name, *_ in token_rows() if namespace == "access_type"
}
