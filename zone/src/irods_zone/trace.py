"""Records what rules do, as lines of JSON: every hook, every microservice call, every query with its pages.

For people who write rules, and for tests that count queries. Each agent and each delayed job appends to the same file.
A line is written at the end of its event, so the actions of a hook come before the hook; `inside` names it.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Protocol, TypeVar

from irods_zone.catalog.genquery import Page
from irods_zone.catalog.users import User
from irods_zone.errors import IrodsError

Result = TypeVar("Result")

HOOK, RULE, CALL, QUERY = "hook", "rule", "call", "query"
_HOOKS = ("ac", "pep_")
_LONGEST = 200  # characters of an argument; queries are recorded in full


@dataclass(frozen=True)
class Event:
    """One line.

    kind: hook (a policy point), rule (any other rule, and rule text: `main`, of a delayed job `expressionFcn`), call (a
    microservice), query. pid, user and zone: the agent and its client; job: the id of the delayed job, 0 for a client;
    api: the current call of the client. inside: the rule or hook that did it, "" if none.
    args: of rules and calls, as texts; of structures their path or their type. text, pages, rows: of queries.
    code: below 0 if it failed; ms: how long it took, with everything inside.
    """

    kind: str
    name: str
    pid: int
    user: str
    zone: str
    job: int = 0
    api: str = ""
    inside: str = ""
    args: tuple[Any, ...] = ()
    text: str = ""
    pages: int = 0
    rows: int = 0
    code: int = 0
    ms: float = 0.0


class Caller(Protocol):
    """The client whose rules are recorded, and its current API call; a session is one."""

    client: User
    api_name: str


@dataclass
class _OpenQuery:
    """A query whose last page has not come yet; `request` is kept so that no other object gets its id."""

    request: object
    text: str
    inside: str
    pages: int = 0
    rows: int = 0
    seconds: float = 0.0


@dataclass
class Trace:
    """The trace of one agent or job."""

    path: Path
    caller: Caller
    job: int = 0
    _running: list[str] = field(default_factory=list)
    _queries: dict[int, _OpenQuery] = field(default_factory=dict)

    def rule(self, name: str, args: Sequence[Any], run: Callable[[], int]) -> int:
        """Run a rule and note it."""
        kind = HOOK if name.startswith(_HOOKS) else RULE
        arguments = tuple(_plain(arg) for arg in args)  # before the rule changes them
        with self._noting(kind, name, arguments):
            self._running.append(name)
            try:
                return run()
            finally:
                self._running.pop()

    def call(self, name: str, args: Sequence[Any], run: Callable[[], Result]) -> Result:
        """Run a microservice and note it, except those of queries, which are noted as one query."""
        if "GenQuery" in name or name == "msiGetMoreRows":
            return run()
        with self._noting(CALL, name, tuple(_plain(arg) for arg in args)):
            return run()

    def page(self, request: object, text: Callable[[], str], fetch: Callable[[], Page]) -> Page:
        """Fetch a page of a query, described by `text`; the query is noted with its last page."""
        query = self._queries.get(id(request))
        if query is None:
            query = self._queries[id(request)] = _OpenQuery(request, text(), self._inside())
        began = time.perf_counter()
        try:
            page = fetch()
        except IrodsError as error:
            self._end(query, error.code)
            raise
        query.seconds += time.perf_counter() - began
        query.pages += 1
        query.rows += len(page.rows)
        if page.continue_index <= 0:
            self._end(query)
        return page

    def closed(self, request: object) -> None:
        """Note a query that was closed before its last page."""
        query = self._queries.get(id(request))
        if query is not None:
            self._end(query)

    def close(self) -> None:
        """Note the queries that were never closed."""
        for query in list(self._queries.values()):
            self._end(query)

    @contextlib.contextmanager
    def _noting(self, kind: str, name: str, args: tuple[Any, ...]) -> Iterator[None]:
        began, inside, code = time.perf_counter(), self._inside(), 0
        try:
            yield
        except IrodsError as error:
            code = error.code
            raise
        finally:
            ms = _milliseconds(time.perf_counter() - began)
            self._write(kind=kind, name=name, inside=inside, args=args, code=code, ms=ms)

    def _end(self, query: _OpenQuery, code: int = 0) -> None:
        del self._queries[id(query.request)]
        self._write(
            kind=QUERY, name="", inside=query.inside, text=query.text, pages=query.pages, rows=query.rows,
            code=code, ms=_milliseconds(query.seconds),
        )  # fmt: skip

    def _inside(self) -> str:
        return self._running[-1] if self._running else ""

    def _write(self, **facts: Any) -> None:
        user, api = self.caller.client, self.caller.api_name
        event = Event(pid=os.getpid(), user=user.name, zone=user.zone, job=self.job, api=api, **facts)
        line = json.dumps({name: value for name, value in asdict(event).items() if value not in ("", 0, ())}) + "\n"
        # One write to a file opened only for append: the lines of two agents do not mix.
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, line.encode())
        finally:
            os.close(handle)


def read(path: Path) -> list[Event]:
    """The events of a trace so far, in the order in which they ended."""
    if not path.exists():
        return []
    known = {item.name for item in fields(Event)}
    events = []
    for line in path.read_text(encoding="utf-8").splitlines():
        arguments = {key: value for key, value in json.loads(line).items() if key in known}
        events.append(Event(**{"name": "", **arguments, "args": tuple(arguments.get("args", ()))}))
    return events


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (int, float)):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    for name in ("objPath", "collName"):
        value = getattr(value, name, value)
    text = str(value)
    if text.startswith("<"):  # a structure without a path
        return type(value).__name__
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
