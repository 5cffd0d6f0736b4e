"""Microservices for catalog queries in GenQuery1 form, in steps: make, run, more rows, close."""

from __future__ import annotations

from collections.abc import Sequence

from irods_zone.catalog.genquery import GenQuery, Page, describe, parse
from irods_zone.catalog.genquery.query import DEFAULT_ROWS
from irods_zone.errors import CAT_NO_ROWS_FOUND, USER_PARAM_TYPE_ERR, IrodsError
from irods_zone.operations.query import genquery
from irods_zone.prep.microservices.table import Parameter, microservice
from irods_zone.prep.types import GenQueryInp, GenQueryOut, InxIvalPair, InxValPair, SqlResult, SqlResultArray
from irods_zone.session import Session


@microservice("msiMakeGenQuery", 3)
def make(_session: Session, args: Sequence[Parameter]) -> None:
    """(columns, conditions, out GenQueryInp)."""
    conditions = args[1].optional_text()
    parsed = parse(f"SELECT {args[0].text()}" + (f" WHERE {conditions}" if conditions.strip() else ""))
    query = GenQueryInp(
        maxRows=DEFAULT_ROWS,
        options=parsed.options,
        selectInp=InxIvalPair(
            len=len(parsed.selects), inx=[c for c, _ in parsed.selects], value=[o for _, o in parsed.selects]
        ),
        sqlCondInp=InxValPair(
            len=len(parsed.conditions), inx=[c for c, _ in parsed.conditions], value=[t for _, t in parsed.conditions]
        ),
    )
    args[2].set(query)


@microservice("msiExecGenQuery", 2)
def execute(session: Session, args: Sequence[Parameter]) -> None:
    """(GenQueryInp, out GenQueryOut); no rows give an empty page. A query with a continuation continues."""
    request = _input(args[0])
    args[1].set(_page(session, request, request.continueInx, request.maxRows))


@microservice("msiGetMoreRows", 3)
def more(session: Session, args: Sequence[Parameter]) -> None:
    """(GenQueryInp, GenQueryOut of the previous page and of this one, out continuation)."""
    query, last = _input(args[0]), args[1].value
    if not isinstance(last, GenQueryOut):
        raise IrodsError(USER_PARAM_TYPE_ERR)
    page = _page(session, query, last.continueInx, DEFAULT_ROWS) if last.continueInx > 0 else GenQueryOut()
    args[1].set(page)
    args[2].set(page.continueInx)


@microservice("msiCloseGenQuery", 2)
def close(session: Session, args: Sequence[Parameter]) -> None:
    """(GenQueryInp, GenQueryOut)."""
    last = args[1].value
    if isinstance(last, GenQueryOut) and last.continueInx > 0:
        request = _input(args[0])
        genquery(session, _query(request, last.continueInx, max_rows=0))
        if session.trace is not None:
            session.trace.closed(request)


@microservice("msiGetContInxFromGenQueryOut", 2)
def continuation(_session: Session, args: Sequence[Parameter]) -> None:
    """(GenQueryOut, out continuation)."""
    if not isinstance(args[0].value, GenQueryOut):
        raise IrodsError(USER_PARAM_TYPE_ERR)
    args[1].set(args[0].value.continueInx)


def _input(parameter: Parameter) -> GenQueryInp:
    if not isinstance(parameter.value, GenQueryInp):
        raise IrodsError(USER_PARAM_TYPE_ERR)
    return parameter.value


def _page(session: Session, request: GenQueryInp, continue_index: int, max_rows: int) -> GenQueryOut:
    query = _query(request, continue_index, max_rows)
    if session.trace is None:
        page = _fetch(session, query)
    else:
        page = session.trace.page(request, lambda: describe(query), lambda: _fetch(session, query))
    results = [
        SqlResult(attriInx=column, len=width, _values=[row[index] for row in page.rows])
        for index, (column, width) in enumerate(zip(page.columns, page.widths))
    ]
    return GenQueryOut(
        rowCnt=len(page.rows),
        attriCnt=len(results),
        continueInx=page.continue_index,
        totalRowCount=page.total,
        sqlResult=SqlResultArray(results),
    )


def _fetch(session: Session, query: GenQuery) -> Page:
    try:
        return genquery(session, query)
    except IrodsError as error:
        if error.code != CAT_NO_ROWS_FOUND:
            raise
        return Page((), [], 0, 0, ())


def _query(request: GenQueryInp, continue_index: int, max_rows: int) -> GenQuery:
    return GenQuery(
        selects=list(zip(request.selectInp.inx, request.selectInp.value)),
        conditions=list(zip(request.sqlCondInp.inx, request.sqlCondInp.value)),
        max_rows=max_rows,
        continue_index=continue_index,
        options=request.options,
        partial_start_index=request.rowOffset,
    )
