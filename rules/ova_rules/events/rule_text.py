"""What no user may ask of a server: rule text other than calls of listed rules, and files by their place in a vault.

Without this gate any user could queue Python text that runs as the service account. It is an allow list, because rule
language can hide delayed Python text in more ways than a deny list can name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ova_rules.agent import CONTINUE, NOT_PRIVILEGED
from ova_rules.catalog.writes import Catalog, refuse
from ova_rules.events.context import settings_for
from ova_rules.servers.envelope import is_request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# What irule and the client libraries wrap around a call.
_WRAPPED = re.compile(r"^\s*@external(?:\s+rule\s*)?\s*\{(.*)\}\s*$|^\s*@external\s*\n(.*)$", re.DOTALL)
_LITERAL = r'(?:"[^"\\$`]*"|\'[^\'\\$`]*\'|\*[A-Za-z_]\w*|-?\d+)'
_CALL = re.compile(rf"^\s*([A-Za-z_]\w*)\s*(?:\(\s*(?:{_LITERAL}\s*(?:,\s*{_LITERAL}\s*)*)?\))?\s*;?\s*$")


def before_rule_text(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """The gate before irule."""
    catalog = Catalog(callback, rei)
    if catalog.is_administrator:
        return CONTINUE
    if is_request(str(rule_args[2]["myRule"])):  # of another server; the rule that it calls examines the seal
        return CONTINUE
    if may_run(str(rule_args[2]["myRule"]), settings_for(catalog).rules_for_users):
        return CONTINUE
    return refuse(callback, NOT_PRIVILEGED, "only administrators may run rule text here (setting rules_for_users)")


def before_rule_expression(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """The gate before API 1206, which every user may call and which runs any text as any user that the request names.

    The delay server runs jobs through this API. No setting lifts the gate.
    """
    return refuse(callback, NOT_PRIVILEGED, "only the delay server may run rule expressions")


def before_file_by_place(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """The gate before calls by which servers access each other's files of mounted archives, without permissions."""
    return refuse(callback, NOT_PRIVILEGED, "only servers may read or write files by their place")


def may_run(text: str, allowed: Sequence[str]) -> bool:
    """Whether `text` is a call, with literals or parameters only, of a rule in `allowed` (["*"] allows all text)."""
    if "*" in allowed:
        return True
    wrapped = _WRAPPED.match(text)
    call = _CALL.match((wrapped.group(1) or wrapped.group(2) or "") if wrapped else text)
    return call is not None and call.group(1) in allowed
