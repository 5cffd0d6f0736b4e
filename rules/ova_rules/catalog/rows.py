"""The rows of a catalog query, read by GenQuery1's microservices so that the agent leaks as little memory as possible.

PREP never frees the result of a query, and the server allocates a whole page before it knows the rows: rows x columns x
columns x the longest value. So pages begin small and double. The query itself asks for each page, because
msiGetMoreRows always takes pages of 256 rows (docs/irods-facts.md). Measurements: docs/performance.md.
"""

from __future__ import annotations

from collections.abc import Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_CELLS = 800  # rows x columns x columns of the first page: the AVUs of most components fit
_PAGE = 256  # rows of the largest one
_AUTO_CLOSE = 0x100  # the requested page is the last one that is wanted


def select(callback: Any, columns: Sequence[str], condition: str, most: int | None = None) -> list[list[str]]:
    """The rows that a query finds, each as long as `columns`; at most `most` rows, if that is given.

    Raises RuntimeError, with the code of iRODS in its text, where the server does not answer.
    """
    from irods_types import GenQueryInp, GenQueryOut

    query = callback.msiMakeGenQuery(", ".join(columns), condition, GenQueryInp())["arguments"][2]
    query.maxRows = min(max(8, _CELLS // len(columns) ** 2), most or _PAGE, _PAGE)
    found: list[list[str]] = []
    while True:
        if most is not None and most - len(found) <= query.maxRows:
            query.options |= _AUTO_CLOSE
        page = callback.msiExecGenQuery(query, GenQueryOut())["arguments"][1]
        results = [page.sqlResult[column] for column in range(len(columns))] if page.rowCnt else []
        found += [[result.row(row) for result in results] for row in range(page.rowCnt)]
        if page.continueInx <= 0:
            return found if most is None else found[:most]
        query.continueInx = page.continueInx
        query.maxRows = min(_PAGE, 2 * query.maxRows)
