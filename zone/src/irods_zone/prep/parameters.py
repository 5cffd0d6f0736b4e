"""Variables of rule text as the parameters of a rule execution (MsParamArray_PI), and back. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SIMPLE = {"STR_PI": "myStr", "INT_PI": "myInt", "DOUBLE_PI": "myDouble"}


def variables_of(array: Mapping[str, Any] | None) -> dict[str, Any]:
    """The values of an array's parameters by label; structures stay records."""
    variables: dict[str, Any] = {}
    for parameter in (array or {}).get("MsParam_PI") or []:
        member, content = _SIMPLE.get(parameter.get("type") or ""), parameter.get("inOutStruct")
        label = parameter.get("label") or ""
        variables[label] = content.get(member) if member and isinstance(content, Mapping) else content
    return variables


def parameter(label: str, value: Any) -> dict[str, Any]:
    """One parameter: an integer, a double, or a text."""
    content: dict[str, Any]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        kind, content = "STR_PI", {"myStr": "" if value is None else str(value)}
    elif isinstance(value, int):
        kind, content = "INT_PI", {"myInt": value}
    else:
        kind, content = "DOUBLE_PI", {"myDouble": int(value)}
    return {"label": label, "type": kind, "inOutStruct": content, "BinBytesBuf_PI": None}


def array_of(parameters: list[dict[str, Any]]) -> dict[str, Any]:
    """An array of parameters."""
    return {"paramLen": len(parameters), "oprType": 0, "MsParam_PI": parameters}
