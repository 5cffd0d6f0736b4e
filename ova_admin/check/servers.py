"""Checks the servers of the zone: do they answer each other's requests, and decide alike.

The rule `core.ova_servers` writes one line with a JSON object to stdout for each server: {"host": HOST, "settings":
HASH, "format": NUMBER}, or {"host": HOST, "why": TEXT} for one that does not answer. The first is the asked one.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ova_admin.check.finding import Finding, not_ok, ok
from ova_admin.rule_text import run_python
from ova_grid.errors import GridError

if TYPE_CHECKING:
    from irods.session import iRODSSession

NAME = "servers"
_RULE_TEXT = "import core\ncore.ova_servers(callback, rei)"
_JOIN = "install the rules there, then `ova-admin join`; until then ready OVAs of its vaults are neither built nor read"
_ALIKE = "make aliases and fixed_properties in ova_rules.json the same on all servers, and install one version"


def finding(session: iRODSSession) -> Finding:
    """All other servers in one finding."""
    try:
        asked, *others = [json.loads(line) for line in run_python(session, _RULE_TEXT).splitlines()]
    except (GridError, ValueError) as error:
        return not_ok(NAME, str(error) or "no answer", "`ova-admin join` on a server without the catalog; see its log")
    if not others:
        return ok(NAME, "this one has all vaults of the zone")
    away = [str(each["why"]) for each in others if "why" in each]
    unlike = [
        f"{each['host']} decides otherwise: its {part} differ"
        for each in others
        for part in ("settings", "format")
        if "why" not in each and each[part] != asked[part]
    ]
    if away or unlike:
        return not_ok(NAME, "; ".join(away + unlike), "; ".join([*([_JOIN] * bool(away)), *([_ALIKE] * bool(unlike))]))
    return ok(NAME, f"{', '.join(str(each['host']) for each in others)}: answer, with the zone's key")
