"""The rows of a catalog query, by GenQuery1's microservices. Leaves nothing of them behind in the agent.

PREP's `genquery.Query` never frees a result, so a connection grows by megabytes with each event. The server takes
memory for a page before it knows the rows: rows x columns x columns x the longest value. So the first page is short
here, and the memory of a page is given back by asking for the next one: after the last page, by asking a query that
finds nothing (docs/irods-facts.md). What was measured: docs/performance.md.
"""

from __future__ import annotations

from collections.abc import Sequence

from ova_rules.catalog.conditions import equals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PAGE = 256  # rows; the server's own, from the second page on
_CELLS = 2048  # rows x columns x columns of the first page
_AUTO_CLOSE = 0x100  # the page that is asked for is the last one that is wanted
_NOTHING = ("ZONE_NAME", equals("ZONE_NAME", "-"))


def select(callback: Any, columns: Sequence[str], condition: str, most: int | None = None) -> list[list[str]]:
    """What a query finds, each row as long as `columns`; at most `most` rows, if that is given.

    Raises RuntimeError, with the code of iRODS in its text, where the server does not answer.
    """
    from irods_types import GenQueryOut

    query = _query(callback, ", ".join(columns), condition)
    query.maxRows = min(_PAGE, max(1, _CELLS // len(columns) ** 2), most or _PAGE)
    query.options |= _AUTO_CLOSE if query.maxRows == most else 0
    page = callback.msiExecGenQuery(query, GenQueryOut())["arguments"][1]
    found: list[list[str]] = []
    while True:
        results = [page.sqlResult[column] for column in range(len(columns))] if page.rowCnt else []
        found += [[result.row(row) for result in results] for row in range(page.rowCnt)]
        if page.continueInx <= 0:
            break
        if most is not None and most - len(found) <= _PAGE:
            query.options |= _AUTO_CLOSE
        page = callback.msiGetMoreRows(query, page, 0)["arguments"][1]
    callback.msiGetMoreRows(_query(callback, *_NOTHING), page, 0)
    return found if most is None else found[:most]


def _query(callback: Any, columns: str, condition: str) -> Any:
    from irods_types import GenQueryInp

    return callback.msiMakeGenQuery(columns, condition, GenQueryInp())["arguments"][2]
