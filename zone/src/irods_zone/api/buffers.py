"""JSON in BinBytesBuf_PI, as used by the newer API calls. Pure functions."""

from __future__ import annotations

import json
from typing import Any

from irods_zone.errors import SYS_INVALID_INPUT_PARAM, IrodsError


def to_json(record: dict[str, Any]) -> dict[str, Any]:
    """The object in a buffer, which may end in NUL; SYS_INVALID_INPUT_PARAM if it is not a JSON object."""
    raw = bytes(record.get("buf") or b"").rstrip(b"\0")
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise IrodsError(SYS_INVALID_INPUT_PARAM, "the request is not JSON") from error
    if not isinstance(value, dict):
        raise IrodsError(SYS_INVALID_INPUT_PARAM, "the request is not a JSON object")
    return value


def from_json(value: dict[str, Any]) -> dict[str, Any]:
    """A buffer that holds the object, compact, keys in order, NUL at the end."""
    raw = json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode(
        "utf-8", "surrogateescape"
    )
    return {"buflen": len(raw) + 1, "buf": raw + b"\0"}


def integer(request: dict[str, Any], key: str) -> int:
    """A whole number of the request; SYS_INVALID_INPUT_PARAM if it is missing or not a whole number."""
    value = request.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise IrodsError(SYS_INVALID_INPUT_PARAM, f"the request has no whole number '{key}'")
    return value
