"""The rows of a catalog query, by GenQuery1's microservices, with as little as possible left behind in the agent.

PREP frees no result of a query, and the server takes memory for a whole page before it knows the rows: rows x columns x
columns x the longest value. So pages begin small and double; each is asked for by the query itself, since
msiGetMoreRows always takes pages of 256 rows (docs/irods-facts.md). What was measured: docs/performance.md.
"""

from __future__ import annotations

from collections.abc import Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_CELLS = 800  # rows x columns x columns of the first page: the AVUs of most components fit
_PAGE = 256  # rows of the largest one
_AUTO_CLOSE = 0x100  # the page that is asked for is the last one that is wanted


def select(callback: Any, columns: Sequence[str], condition: str, most: int | None = None) -> list[list[str]]:
    """What a query finds, each row as long as `columns`; at most `most` rows, if that is given.

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
