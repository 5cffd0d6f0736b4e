"""API calls that read the catalog: GenQuery 1, specific queries."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from irods_zone import errors
from irods_zone.api.registry import Call, FailureWithOutputError, Record, Reply, Result, serve
from irods_zone.catalog.genquery import GenQuery, Page
from irods_zone.catalog.specific import SpecificQuery
from irods_zone.errors import IrodsError
from irods_zone.operations import query
from irods_zone.session import Session

COLUMN_SLOTS = 50
Request = TypeVar("Request")


@serve(702, "gen_query", "GenQueryInp_PI", "GenQueryOut_PI")
def _gen_query(session: Session, call: Call) -> Result:
    record = call.record
    request = GenQuery(
        selects=record["InxIvalPair_PI"],
        conditions=record["InxValPair_PI"],
        max_rows=record["maxRows"],
        continue_index=record["continueInx"],
        options=record["options"],
        keywords=record["KeyValPair_PI"],
        partial_start_index=record["partialStartIndex"],
    )
    return _reply(query.genquery, session, request)


@serve(722, "specific_query", "specificQueryInp_PI", "GenQueryOut_PI")
def _specific_query(session: Session, call: Call) -> Result:
    record = call.record
    request = SpecificQuery(
        name=record["sql"] or "",
        arguments=tuple(filter(None, (record[f"arg{index}"] for index in range(1, 11)))),
        max_rows=record["maxRows"],
        continue_index=record["continueInx"],
        row_offset=record["rowOffset"],
        options=record["options"],
    )
    return _reply(query.specific, session, request)


def _reply(run: Callable[[Session, Request], Page], session: Session, request: Request) -> Reply:
    try:
        page = run(session, request)
    except IrodsError as error:
        if error.code == errors.CAT_NO_ROWS_FOUND:
            # Clients read the output without checking whether there is one.
            raise FailureWithOutputError(error.code, _output(Page((), [], 0, 0, ()))) from error
        raise
    return Reply(0, _output(page))


def _output(page: Page) -> Record:
    """A GenQueryOut, which always has all column slots."""
    slots: list[Record] = [
        {"attriInx": column, "reslen": width, "value": [row[position] for row in page.rows]}
        for position, (column, width) in enumerate(zip(page.columns, page.widths))
    ]
    slots += [{"attriInx": 0, "reslen": 0, "value": []}] * (COLUMN_SLOTS - len(slots))
    return {
        "rowCnt": len(page.rows),
        "attriCnt": len(page.columns),
        "continueInx": page.continue_index,
        "totalRowCount": page.total,
        "SqlResult_PI": slots,
    }
