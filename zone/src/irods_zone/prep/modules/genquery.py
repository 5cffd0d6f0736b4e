"""PREP's module genquery: catalog queries from rules, as iterators over pages fetched with query microservices.

Each query holds one page in memory. It is closed when it is finished, dropped, or closed explicitly.
"""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Any

from irods_zone.prep import types

__all__ = ["AS_DICT", "AS_LIST", "AS_TUPLE", "Query", "paged_iterator", "row_iterator"]

MAX_SQL_ROWS = 256


class Option:
    """Query options."""

    RETURN_TOTAL_ROW_COUNT = 0x020
    NO_DISTINCT = 0x040
    QUOTA_QUERY = 0x080
    AUTO_CLOSE = 0x100
    UPPER_CASE_WHERE = 0x200


class row_return_type:  # noqa: N801 (PREP's name)
    """The form of a row; the three classes below are used without instances."""

    def __init__(self) -> None:
        raise NotImplementedError


class AS_DICT(row_return_type):  # noqa: N801
    """A row is a dict by column name."""


class AS_LIST(row_return_type):  # noqa: N801
    """A row is a list."""


class AS_TUPLE(row_return_type):  # noqa: N801
    """A row is a tuple, or just the text if there is one column."""


class Parser(Enum):
    """The query language of the conditions; only GenQuery1 is served here."""

    GENQUERY1 = 1
    GENQUERY2 = 2


class GenQuery_Options_Spec_Error(RuntimeError):  # noqa: N801
    """copy() was given an option that does not exist."""


class GenQuery_Columns_Type_Error(RuntimeError):  # noqa: N801
    """The columns are neither text nor a sequence."""


class GenQuery_Row_Return_Type_Error(RuntimeError):  # noqa: N801
    """The output is not AS_DICT, AS_LIST or AS_TUPLE."""


_PARAMETERS = (
    "columns", "conditions", "output", "offset", "limit", "case_sensitive", "options", "parser", "order_by"
)  # fmt: skip


class Query:
    """A query that runs when its first row or its total is requested.

    columns: names, comma-separated or a sequence; ORDER(…), ORDER_DESC(…) and aggregates are allowed.
    conditions: the text after WHERE. output: AS_TUPLE, AS_LIST or AS_DICT. offset and limit are in rows.
    """

    def __init__(
        self,
        callback: Any,
        columns: str | Sequence[str],
        conditions: str = "",
        output: type[row_return_type] = AS_TUPLE,
        offset: int = 0,
        limit: int | None = None,
        case_sensitive: bool = True,
        options: int = 0,
        parser: Parser = Parser.GENQUERY1,
        order_by: str = "",
    ) -> None:
        self.gqi: Any = None
        self.gqo: Any = None
        self.cti: int | None = None
        self._total: int | None = None
        self.callback = callback
        if isinstance(columns, str):
            self.columns = [name.strip() for name in columns.split(",") if name.strip()]
        else:
            try:
                self.columns = list(columns)
            except TypeError as error:
                raise GenQuery_Columns_Type_Error("columns must be a comma-separated string or a sequence") from error
        if parser not in (Parser.GENQUERY1, Parser.GENQUERY2):
            raise ValueError("parser must be Parser.GENQUERY1 or Parser.GENQUERY2")
        if output not in (AS_TUPLE, AS_LIST, AS_DICT):
            raise GenQuery_Row_Return_Type_Error()
        self.conditions = conditions
        self.output = output
        self.offset = offset
        self.limit = limit
        self.case_sensitive = case_sensitive
        self.options = options & ~Option.UPPER_CASE_WHERE if case_sensitive else options | Option.UPPER_CASE_WHERE
        self.parser = parser
        self.order_by = order_by
        self.conditions_for_exec = conditions if case_sensitive else conditions.upper()

    @property
    def parameters(self) -> dict[str, Any]:
        """The arguments of this query."""
        return {name: getattr(self, name) for name in _PARAMETERS}

    def copy(self, **options: Any) -> Query:
        """The same query with some arguments changed."""
        unknown = set(options) - set(_PARAMETERS)
        if unknown:
            raise GenQuery_Options_Spec_Error("Incorrect option(s) to Query: " + ", ".join(sorted(unknown)))
        return Query(self.callback, **{**self.parameters, **options})

    def exec_if_not_yet_execed(self) -> None:
        """Run the query, once."""
        if self.gqi is not None:
            return
        if self.parser is Parser.GENQUERY2:
            raise RuntimeError("GenQuery2 is not served in rules by this zone; use GenQuery1")
        made = self.callback.msiMakeGenQuery(", ".join(self.columns), self.conditions_for_exec, types.GenQueryInp())
        self.gqi = made["arguments"][2]
        if self.offset > 0:
            self.gqi.rowOffset = self.offset
        else:
            self.options |= Option.RETURN_TOTAL_ROW_COUNT
        if self.limit is not None and self.limit < MAX_SQL_ROWS - 1:
            self.gqi.maxRows = self.limit
        self.gqi.options |= self.options
        self.gqo = self.callback.msiExecGenQuery(self.gqi, types.GenQueryOut())["arguments"][1]
        self.cti = self.gqo.continueInx
        self._total = None

    def total_rows(self) -> int | None:
        """How many rows match, regardless of offset and limit."""
        if self._total is None:
            if self.offset == 0:
                self.exec_if_not_yet_execed()
                self._total = self.gqo.totalRowCount
            else:
                count = self.copy(offset=0, limit=0, options=self.options | Option.RETURN_TOTAL_ROW_COUNT)
                self._total = count.total_rows()
                count.close()
        return self._total

    def __iter__(self) -> Iterator[Any]:
        self.exec_if_not_yet_execed()
        try:
            given = 0
            while self.gqo is not None:
                for index in range(self.gqo.rowCnt):
                    if self.limit is not None and given >= self.limit:
                        return
                    given += 1
                    yield self._row([self.gqo.sqlResult[c].row(index) for c in range(len(self.columns))])
                if not self.cti or self.cti <= 0 or (self.limit is not None and given >= self.limit):
                    return
                self._fetch()
        finally:
            self._close()

    def _row(self, values: list[str]) -> Any:
        if self.output is AS_LIST:
            return values
        if self.output is AS_DICT:
            return OrderedDict(zip(self.columns, values))
        return values[0] if len(self.columns) == 1 else tuple(values)

    def _fetch(self) -> None:
        answer = self.callback.msiGetMoreRows(self.gqi, self.gqo, 0)["arguments"]
        self.gqo, self.cti = answer[1], answer[2]

    def _close(self) -> None:
        while self.gqi is not None and self.cti and self.cti > 0:
            self.gqi.options |= Option.AUTO_CLOSE
            self._fetch()
        self.gqi = self.gqo = self.cti = None

    def close(self) -> None:
        """End the query."""
        self._close()

    def first(self) -> Any:
        """The first row, or None."""
        result = next(iter(self), None)
        self._close()
        return result

    def __repr__(self) -> str:
        shown = {**self.parameters, "output": self.output.__name__}
        texts = (f"{name}={value if name == 'output' else repr(value)}" for name, value in shown.items())
        return "Query(\n\t" + ",\n\t".join(texts) + "\n)"

    def __str__(self) -> str:
        parts = ["select " + ", ".join(self.columns)]
        if self.conditions_for_exec:
            parts.append("where " + self.conditions_for_exec)
        if self.order_by:
            parts.append("order by " + self.order_by)
        if self.limit is not None:
            parts.append(f"limit {self.limit}")
        if self.offset:
            parts.append(f"offset {self.offset}")
        return " ".join([*parts, f"[parser={self.parser.name}]"])

    def __del__(self) -> None:
        self._close()


def row_iterator(
    columns: str | Sequence[str], conditions: str, row_return: type[row_return_type], callback: Any
) -> Query:
    """The rows of a query, one by one."""
    return Query(callback, columns, conditions, output=row_return)


def row_generator(
    columns: str | Sequence[str], conditions: str, row_return: type[row_return_type], callback: Any
) -> Iterator[Any]:
    """row_iterator as a generator, for code that calls next() on it."""
    return (row for row in row_iterator(columns, conditions, row_return, callback))


class paged_iterator:  # noqa: N801
    """The rows of a query in lists of up to N_rows_per_page."""

    def __init__(
        self,
        columns: str | Sequence[str],
        conditions: str,
        row_return: type[row_return_type],
        callback: Any,
        N_rows_per_page: int = MAX_SQL_ROWS,  # noqa: N803
    ) -> None:
        self.callback = callback
        self.rows_per_page = 1
        self.set_rows_per_page(N_rows_per_page, hard_limit_at_default=True)
        self.generator = row_generator(columns, conditions, row_return, callback)

    def set_rows_per_page(self, rpp: int, hard_limit_at_default: bool = False) -> paged_iterator:
        """Choose the length of the lists."""
        self.rows_per_page = max(1, int(rpp))
        if hard_limit_at_default:
            self.rows_per_page = min(self.rows_per_page, MAX_SQL_ROWS)
        return self

    def __iter__(self) -> paged_iterator:
        return self

    def __next__(self) -> list[Any]:
        page = list(itertools.islice(self.generator, self.rows_per_page))
        if not page:
            raise StopIteration
        return page

    next = __next__
