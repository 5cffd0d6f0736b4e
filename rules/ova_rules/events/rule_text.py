"""Which rule text an ordinary user may run: a call of a listed rule and nothing else. Pure.

An allow list, because rule language can hide a delayed Python text in more ways than a deny list can name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

# What irule and the client libraries wrap around a call.
_WRAPPED = re.compile(r"^\s*@external(?:\s+rule\s*)?\s*\{(.*)\}\s*$|^\s*@external\s*\n(.*)$", re.DOTALL)
_LITERAL = r'(?:"[^"\\$`]*"|\'[^\'\\$`]*\'|\*[A-Za-z_]\w*|-?\d+)'
_CALL = re.compile(rf"^\s*([A-Za-z_]\w*)\s*(?:\(\s*(?:{_LITERAL}\s*(?:,\s*{_LITERAL}\s*)*)?\))?\s*;?\s*$")


def may_run(text: str, allowed: Sequence[str]) -> bool:
    """Whether `text` is a call, with literals or parameters only, of a rule in `allowed` (["*"] allows all text)."""
    if "*" in allowed:
        return True
    wrapped = _WRAPPED.match(text)
    call = _CALL.match((wrapped.group(1) or wrapped.group(2) or "") if wrapped else text)
    return call is not None and call.group(1) in allowed
