"""PREP's module irods_errors: iRODS codes by name, and what rules may return to the engine.

The names are looked up when they are first used: agents import this module on every connection.
"""

from __future__ import annotations

from functools import cache

from irods_zone.prep.codes import RULE_ENGINE_CONTINUE, RULE_ENGINE_SKIP_OPERATION

__all__ = ["RULE_ENGINE_CONTINUE", "RULE_ENGINE_SKIP_OPERATION"]


@cache
def _codes() -> dict[str, int]:
    from irods_zone.prep.modules.error_table import TABLE

    return {name: int(code) for name, _, code in (entry.partition("=") for entry in TABLE.split())}


def __getattr__(name: str) -> int:
    if name.startswith("_") or name not in _codes():
        raise AttributeError(f"module 'irods_errors' has no attribute {name!r}")
    return _codes()[name]


def __dir__() -> list[str]:
    return sorted([*_codes(), *__all__])
