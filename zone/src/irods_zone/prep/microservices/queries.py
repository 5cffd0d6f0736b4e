"""Microservices for catalog queries in GenQuery1 form, in steps: make, run, more rows, close."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from irods_zone.errors import CAT_NO_ROWS_FOUND, USER_PARAM_TYPE_ERR, IrodsError
from irods_zone.prep.microservices import Parameter, microservice
from irods_zone.prep.types import GenQueryInp, GenQueryOut, InxIvalPair, InxValPair, SqlResult, SqlResultArray

if TYPE_CHECKING:
    from irods_zone.catalog.genquery import Page
    from irods_zone.session import Session

MAX_ROWS = 256


@microservice("msiMakeGenQuery", 3)
def make(_session: Session, args: Sequence[Parameter]) -> None:
    """(columns, conditions, out GenQueryInp)."""
    from irods_zone.catalog import genquery

    conditions = args[1].optional_text()
    parsed = genquery.parse(f"SELECT {args[0].text()}" + (f" WHERE {conditions}" if conditions.strip() else ""))
    query = GenQueryInp(
        maxRows=MAX_ROWS,
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
    """(GenQueryInp, out GenQueryOut); no rows are an empty page."""
    args[1].set(_traced_page(session, _input(args[0]), 0))


@microservice("msiGetMoreRows", 3)
def more(session: Session, args: Sequence[Parameter]) -> None:
    """(GenQueryInp, GenQueryOut of the page before and of this one, out continuation)."""
    query, last = _input(args[0]), args[1].value
    if not isinstance(last, GenQueryOut):
        raise IrodsError(USER_PARAM_TYPE_ERR)
    page = _traced_page(session, query, last.continueInx) if last.continueInx > 0 else GenQueryOut()
    args[1].set(page)
    args[2].set(page.continueInx)


@microservice("msiCloseGenQuery", 2)
def close(session: Session, args: Sequence[Parameter]) -> None:
    """(GenQueryInp, GenQueryOut)."""
    last = args[1].value
    if isinstance(last, GenQueryOut) and last.continueInx > 0:
        _run(session, _input(args[0]), last.continueInx, max_rows=0)
        if session.trace is not None:
            session.trace.closed(session, _input(args[0]))


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


def _traced_page(session: Session, query: GenQueryInp, continue_index: int) -> GenQueryOut:
    if session.trace is None:
        return _page(session, query, continue_index)
    return session.trace.page(session, query, lambda: _page(session, query, continue_index))


def _page(session: Session, query: GenQueryInp, continue_index: int) -> GenQueryOut:
    try:
        page = _run(session, query, continue_index, max_rows=query.maxRows if continue_index == 0 else MAX_ROWS)
    except IrodsError as error:
        if error.code != CAT_NO_ROWS_FOUND:
            raise
        return GenQueryOut()
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


def _run(session: Session, query: GenQueryInp, continue_index: int, max_rows: int) -> Page:
    from irods_zone.catalog.genquery import GenQuery
    from irods_zone.operations import query as queries

    return queries.genquery(
        session,
        GenQuery(
            selects=list(zip(query.selectInp.inx, query.selectInp.value)),
            conditions=list(zip(query.sqlCondInp.inx, query.sqlCondInp.value)),
            max_rows=max_rows,
            continue_index=continue_index,
            options=query.options,
            partial_start_index=query.rowOffset,
        ),
    )
