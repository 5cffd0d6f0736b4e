"""Measures the time of a hook and its requests to the server: wraps the rules while they run, and changes none.

A zone gets it through its rule file: the real core.py, followed by `behind_core`. At the end of each event one line of
JSON goes to the profile: microseconds in all and by phase, each counted once (a nested phase counts for the inner one),
microservice calls by name, bytes copied, modules imported. Events within an event (a hook of a microservice that a hook
called) are part of the outer one.

The phases are the functions below; a name that no longer exists in the sources fails `tests/bench`.
"""

from __future__ import annotations

import builtins
import functools
import importlib
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# phase: its functions, as module:name or module:class.name
PHASES: dict[str, tuple[str, ...]] = {
    "lock": ("ova_rules.locks:_acquire",),
    "query": ("ova_rules.catalog.writes:Catalog._rows",),
    "read package": ("ova_tools.package:read_package",),
    "match": ("ova_rules.component.matching:match", "ova_tools.values:check_value"),
    "fingerprint": ("ova_rules.component.fingerprint:fingerprint", "ova_rules.record.signing:Signer._sign"),
    "plan": ("ova_tools.edit:edit",),
    "verify": ("ova_tools.verify:verify_members",),
    "clone": ("ova_tools.write:write",),
    "sync": ("os:fsync",),
    "publish": (
        "ova_tools.write:Staged.commit",
        *(
            f"ova_rules.catalog.writes:Catalog.{name}"
            for name in ("create", "open_for_write", "write", "close", "touch", "rename")
        ),
    ),
    "status": ("ova_rules.catalog.writes:Catalog.change_facts",),
    "queue": ("ova_rules.catalog.writes:Catalog.delay",),
}
IMPORT, OTHER = "import", "other"
JOBS = ("ova_job",)
RULES = ("ova_reconcile",)  # called by administrators' rule text


def behind_core(log: Path) -> str:
    """The text after core.py in a rule file that is profiled into `log`."""
    return f"from bench import profiler\nprofiler.install(globals(), {str(log)!r})\n"


@dataclass
class Event:
    """One running event; times in nanoseconds."""

    name: str
    phases: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    modules: int = 0
    copied: int = 0


class _Clock:
    """The running phase, and those it interrupted. One per agent, because an agent has one thread."""

    def __init__(self) -> None:
        self.event: Event | None = None
        self._stack: list[str] = []
        self._since = 0

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        if self.event is None:
            yield
            return
        self._book()
        self._stack.append(name)
        try:
            yield
        finally:
            self._book()
            self._stack.pop()

    def _book(self) -> None:
        assert self.event is not None
        now = time.perf_counter_ns()
        if self._stack:
            self.event.phases[self._stack[-1]] += now - self._since
        self._since = now


_clock = _Clock()


def install(core: dict[str, Any], log: str) -> None:
    """Wraps the rules in `core`, the namespace of a rule file, and the phases as their modules are imported."""
    from ova_rules import hooks

    for name in (*hooks.RULES, *JOBS, *RULES):
        if name in core:
            core[name] = _event(name, core[name], log)
    real_import, waiting = builtins.__import__, _targets()

    def profiled_import(name: str, *arguments: Any, **keywords: Any) -> Any:
        if _clock.event is None or (name in sys.modules and not waiting):
            return real_import(name, *arguments, **keywords)
        with _clock.phase(IMPORT):
            module = real_import(name, *arguments, **keywords)
        _wrap_imported(waiting)
        return module

    builtins.__import__ = profiled_import


def check() -> None:
    """Raises AttributeError or ImportError if a function of a phase does not exist."""
    for module, names in _targets().items():
        for path, _ in names:
            _holder(importlib.import_module(module), path)


def read(log: Path) -> list[dict[str, Any]]:
    """The events in a profile, in the order of their ends."""
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def milliseconds(events: Sequence[dict[str, Any]]) -> float:
    """The durations of these events, in order."""
    return float(sum(event["microseconds"] for event in events)) / 1000


def counts(events: Sequence[dict[str, Any]]) -> dict[str, int]:
    """The sums over these events: queries, their pages after the first, other microservice calls, bytes copied."""
    calls: Counter[str] = sum((Counter(event["calls"]) for event in events), Counter())
    asked, pages = calls["msiMakeGenQuery"], calls["msiExecGenQuery"]
    others = sum(number for name, number in calls.items() if "GenQuery" not in name)
    copied = sum(event["copied"] for event in events)
    return {
        "queries": asked,
        "further pages": pages - asked,
        "calls": others - calls["writeLine"],
        "bytes copied": copied,
    }


def _targets() -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for phase, functions in PHASES.items():
        for function in functions:
            module, _, path = function.partition(":")
            found.setdefault(module, []).append((path, phase))
    return found


def _holder(module: Any, path: str) -> tuple[Any, str]:
    """The object that holds a function, and its name there."""
    *classes, name = path.split(".")
    holder = functools.reduce(getattr, classes, module)
    getattr(holder, name)
    return holder, name


def _wrap_imported(waiting: dict[str, list[tuple[str, str]]]) -> None:
    """Wraps functions of newly imported modules, so that later imports from them get the wrapped ones."""
    for module in [name for name in waiting if name in sys.modules]:
        if getattr(getattr(sys.modules[module], "__spec__", None), "_initializing", False):
            continue
        for path, phase in waiting.pop(module):
            holder, name = _holder(sys.modules[module], path)
            setattr(holder, name, _timed(getattr(holder, name), phase))
        if module == "ova_tools.write":
            os.copy_file_range = _counted(os.copy_file_range)


def _timed(function: Callable[..., Any], phase: str) -> Callable[..., Any]:
    @functools.wraps(function)
    def timed(*arguments: Any, **keywords: Any) -> Any:
        with _clock.phase(phase):
            return function(*arguments, **keywords)

    return timed


def _counted(copy: Callable[..., int]) -> Callable[..., int]:
    def counted(*arguments: Any) -> int:
        count = copy(*arguments)
        if _clock.event is not None:
            _clock.event.copied += count
        return count

    return counted


class _Callback:
    """The server's callback, with its microservice calls counted."""

    def __init__(self, callback: Any) -> None:
        self._callback = callback

    def __getattr__(self, name: str) -> Any:
        if _clock.event is not None:
            _clock.event.calls[name] += 1
        return getattr(self._callback, name)


def _event(name: str, rule: Callable[..., Any], log: str) -> Callable[..., Any]:
    def profiled(*arguments: Any) -> Any:
        if _clock.event is not None:  # an event within an event
            return rule(*arguments)
        event, modules = Event(name), len(sys.modules)
        _clock.event = event
        start = time.perf_counter_ns()
        try:
            with _clock.phase(OTHER):
                callback = len(arguments) - 2 if len(arguments) > 1 else 0
                passed = [*arguments[:callback], _Callback(arguments[callback]), *arguments[callback + 1 :]]
                return rule(*passed)
        finally:
            _clock.event, event.modules = None, len(sys.modules) - modules
            _write(log, event, time.perf_counter_ns() - start)

    return profiled


def _write(log: str, event: Event, nanoseconds: int) -> None:
    line = {
        "event": event.name,
        "microseconds": nanoseconds / 1000,
        "phases": {phase: time / 1000 for phase, time in event.phases.items()},
        "calls": dict(event.calls),
        "modules": event.modules,
        "copied": event.copied,
    }
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, json.dumps(line).encode() + b"\n")
    finally:
        os.close(descriptor)
