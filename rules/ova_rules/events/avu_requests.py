"""Decodes what hooks receive about a change of AVUs: the AVUs that are added, and those that are removed.

Two calls change AVUs: one names one operation (`add`, `set`, `mod`, `cp` …), the other, the atomic one, is JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from ova_rules.catalog.types import Avu
from ova_rules.catalog.writes import Catalog

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

REMOVING = ("rm", "rmw", "rmi")
OF_COLLECTION = ("-C", "-c")
OF_OBJECT = ("-d", "-D")
_PARTS = ("n:", "v:", "u:")


def added_by(catalog: Catalog | None, path: str, rule_args: list[str]) -> list[Avu]:
    """The AVUs that the collection gets. catalog: for `cp`, which names what it copies from."""
    if rule_args[0] in ("add", "adda", "set"):
        return [Avu(path, *rule_args[3:6])]
    if rule_args[0] == "mod":
        return [_modified(path, rule_args[3:])]
    if rule_args[0] == "cp" and catalog is not None:
        return _copied(catalog, path, rule_args[1], rule_args[3])
    return []


def _copied(catalog: Catalog, path: str, kind: str, source: str) -> list[Avu]:
    """The AVUs that `cp` copied to a collection from something of this kind."""
    if kind in OF_COLLECTION:
        return [Avu(path, avu.attribute, avu.value, avu.units) for avu in catalog.avus([source.rstrip("/")])]
    kind = "-d" if kind in OF_OBJECT else kind
    return [Avu(path, avu.attribute, avu.value, avu.units) for avu in catalog.avus_of(kind, source)]


def dropped_by(path: str, rule_args: list[str]) -> Callable[[Avu], bool]:
    """The AVUs that `set` or `mod` removes."""
    if rule_args[0] == "set":
        return lambda avu: avu.attribute == rule_args[3]
    if rule_args[0] == "mod":
        old = Avu(path, rule_args[3], rule_args[4], _modified_units(rule_args[3:]))
        return lambda avu: avu == old
    return lambda avu: False


def _modified(path: str, arguments: list[str]) -> Avu:
    """The AVU after `mod`: attribute, value, perhaps units, then n:NAME, v:VALUE, u:UNITS in any order."""
    new = {argument[:2]: argument[2:] for argument in arguments[2:] if argument.startswith(_PARTS)}
    units = new.get("u:", _modified_units(arguments))
    return Avu(path, new.get("n:", arguments[0]), new.get("v:", arguments[1]), units)


def _modified_units(arguments: list[str]) -> str:
    """The units of the old AVU in a `mod`."""
    return arguments[2] if len(arguments) > 2 and not arguments[2].startswith(_PARTS) else ""


def avus_in(request: dict[str, Any], operation: str) -> list[Avu]:
    """The AVUs that an atomic request adds or removes."""
    path = str(request.get("entity_name", "")).rstrip("/")
    return [
        Avu(path, *(str(each.get(key, "")) for key in ("attribute", "value", "units")))
        for each in request.get("operations", ())
        if each.get("operation") == operation
    ]


def request_in(buffer: Any) -> dict[str, Any]:
    """The JSON of a BytesBuf up to the first NUL, as the server reads it. Raises ValueError if it is no JSON object."""
    request = json.loads(bytes(buffer.get_bytes()).partition(b"\0")[0])
    if not isinstance(request, dict):
        raise ValueError("the request is no JSON object")
    return request
