"""PREP's module irods_errors: iRODS codes by name, and the values that rules may return to the engine.

The names are looked up when they are first used: agents import this module on every connection.
"""

from __future__ import annotations

from irods_zone.errors import all_codes

RULE_ENGINE_CONTINUE = 5000000
RULE_ENGINE_SKIP_OPERATION = 5001000

__all__ = ["RULE_ENGINE_CONTINUE", "RULE_ENGINE_SKIP_OPERATION"]


def __getattr__(name: str) -> int:
    if name.startswith("_") or name not in all_codes():
        raise AttributeError(f"module 'irods_errors' has no attribute {name!r}")
    return all_codes()[name]


def __dir__() -> list[str]:
    return sorted([*all_codes(), *__all__])
